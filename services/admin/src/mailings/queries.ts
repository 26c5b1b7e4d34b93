import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, data, type Schemas } from "../api/client";
import { minPosition } from "../api/lag";

/** A view that is mailed by the clock, as the API shows it. */
export type Mailing = Schemas["MailingShown"];

/** Views that are mailed, what is due next first. */
export function useMailings(whose: "mine" | "all") {
  return useQuery({
    queryKey: ["view-mails", whose],
    queryFn: () =>
      data(
        api.GET("/v1/view-mails", { params: { query: { whose, min_position: minPosition() } } }),
      ),
    placeholderData: keepPreviousData,
  });
}
