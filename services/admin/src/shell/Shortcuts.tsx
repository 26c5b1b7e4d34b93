import { Kbd, Modal, Table } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useRef } from "react";
import type { Page } from "./pages";

const PAIR_MS = 1000;

const EVERYWHERE: readonly [string, string][] = [
  ["/", "Find a lead"],
  ["?", "Show the keys"],
  ["Esc", "Close what is open"],
];
const IN_LISTS: readonly [string, string][] = [
  ["↑ ↓", "Move along the rows"],
  ["Enter", "Open the lead"],
  ["Space", "Select the row"],
  ["Shift+A", "Select all that the filter finds"],
  ["f", "Filter"],
];

/** `?` shows the keys; `g` and a letter opens a page. */
export function Shortcuts({ pages }: { pages: readonly Page[] }) {
  const [open, { toggle, close }] = useDisclosure(false);
  const navigate = useNavigate();
  const pressed = useRef(0);
  useHotkeys([
    ["shift+?", toggle],
    ["g", () => (pressed.current = Date.now())],
    ...pages.map((page): [string, () => void] => [
      page.letter,
      () => {
        if (Date.now() - pressed.current < PAIR_MS) navigate({ to: page.to });
        pressed.current = 0;
      },
    ]),
  ]);
  const rows: readonly [string, string][] = [
    ...EVERYWHERE,
    ...IN_LISTS,
    ...pages.map((page): [string, string] => [`g ${page.letter}`, page.label]),
  ];
  return (
    <Modal opened={open} onClose={close} title="Keys" size="sm">
      <Table>
        <Table.Tbody>
          {rows.map(([keys, what]) => (
            <Table.Tr key={`${keys} ${what}`}>
              <Table.Td>
                {keys.split(" ").map((key) => (
                  <Kbd key={key} mr={4}>
                    {key}
                  </Kbd>
                ))}
              </Table.Td>
              <Table.Td>{what}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
