import { Kbd, TextInput } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";

const LEAD_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** One box to find a lead from anywhere: a name, an e-mail, any digits of a number, an id. */
export function JumpToLead() {
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const navigate = useNavigate();
  useHotkeys([["/", () => input.current?.focus()]]);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const wanted = text.trim();
        if (wanted === "") return;
        setText("");
        input.current?.blur();
        if (LEAD_ID.test(wanted)) {
          navigate({ to: "/leads/$leadId", params: { leadId: wanted.toLowerCase() } });
        } else {
          navigate({ to: "/leads", search: { q: wanted } });
        }
      }}
    >
      <TextInput
        ref={input}
        w={320}
        size="xs"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        placeholder="Name, e-mail, digits of a number, lead id"
        aria-label="Find a lead"
        leftSection={<IconSearch size={14} aria-hidden />}
        rightSection={<Kbd size="xs">/</Kbd>}
      />
    </form>
  );
}
