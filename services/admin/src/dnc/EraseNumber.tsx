import { Alert, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { commandNamed, useCommand } from "../api/commands";
import { useMe } from "../api/queries";
import { ConfirmButton } from "../jobs/Confirm";
import { many } from "../jobs/figures";
import { international, isNumber } from "./numbers";
import { useLeadsWith } from "./queries";

/** Erases a number everywhere, for good; says how many leads have it, and has it typed again. */
export function EraseNumber() {
  const { data: me } = useMe();
  const command = useCommand();
  const [text, setText] = useState("");
  const [reason, setReason] = useState("");
  const number = international(text);
  const leads = useLeadsWith(number);
  if (me === undefined || !commandNamed("EraseNumber").roles.includes(me.role)) return null;
  return (
    <ConfirmButton
      label="Erase a number"
      button={{ color: "red", variant: "light" }}
      title="Erase a number everywhere"
      deed="Erase it for good"
      danger
      ready={isNumber(number) && reason.trim() !== "" && leads.data !== undefined}
      {...(isNumber(number) && { typed: number })}
      run={async () => {
        await command.mutateAsync({ name: "EraseNumber", body: { number, reason } });
        notifications.show({ message: "The number is being erased everywhere.", color: "teal" });
        setText("");
        setReason("");
      }}
    >
      <TextInput
        label="Number"
        placeholder="+14155550100"
        required
        autoComplete="off"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <TextInput
        label="Why"
        description="It stands in the log, without the number"
        required
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      {leads.data !== undefined && isNumber(number) && (
        <Alert color="red" title={`${many(leads.data.count, "lead")} with ${number} now`}>
          <Text size="sm">
            They become anonymous, with those that had it before. Held payloads, views, exports and
            files of imports with the number go too. It stays not called where it is on a list. This
            cannot be taken back.
          </Text>
        </Alert>
      )}
    </ConfirmButton>
  );
}
