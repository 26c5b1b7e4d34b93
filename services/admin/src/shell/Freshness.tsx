import { Badge, Tooltip } from "@mantine/core";
import { useLag } from "../api/lag";

const NUMBER = new Intl.NumberFormat();

/** How far what is shown is behind the log; quiet while it is not. */
export function Freshness() {
  const lag = useLag();
  const fresh = lag === 0;
  return (
    <Tooltip
      label={
        fresh
          ? "What you see is all that has happened."
          : `${NUMBER.format(lag)} things that happened are not shown yet. They come by themselves.`
      }
    >
      <Badge
        color={fresh ? "teal" : lag > 10_000 ? "red" : "yellow"}
        variant="dot"
        size="sm"
        tt="none"
        role="status"
      >
        {fresh ? "up to date" : `${NUMBER.format(lag)} behind`}
      </Badge>
    </Tooltip>
  );
}
