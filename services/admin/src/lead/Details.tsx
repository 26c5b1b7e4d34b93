import { Contacts } from "./Contacts";
import { Contracts } from "./Contracts";
import { Fields } from "./Fields";
import { Messages } from "./Messages";
import { Notes } from "./Notes";
import type { LeadThen } from "./queries";

/** All that a lead is: its fields, numbers, notes, messages, contracts. */
export function Details({ page }: { page: LeadThen }) {
  return (
    <>
      <Fields />
      <Contacts />
      <Notes />
      <Messages page={page} />
      <Contracts />
    </>
  );
}
