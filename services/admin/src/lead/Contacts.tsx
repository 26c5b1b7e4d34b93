import { ActionIcon, Button, Group, Table, Text } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconPencil, IconTrash } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useOrders } from "../parts/command/sending";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useLeadFrame } from "./frame";
import { Section } from "./Section";
import { plain } from "./words";

/** The lead's numbers in the order they are dialled: its own first, then its contacts. */
export function Contacts() {
  const { lead, open, may, target } = useLeadFrame();
  const order = useOrders();
  const contacts = lead.contacts ?? [];
  const sorting = useMutation({
    mutationFn: (ids: number[]) => order({ name: "ReorderContacts", body: { order: ids } }, target),
  });
  const move = (index: number, by: number) => {
    const ids = contacts.map((one) => one.id);
    const [taken] = ids.splice(index, 1);
    if (taken !== undefined) ids.splice(index + by, 0, taken);
    sorting.mutate(ids);
  };
  return (
    <Section
      title="Numbers to call"
      actions={
        may("AddContact") && (
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => open({ command: "AddContact" })}
          >
            Add a contact
          </Button>
        )
      }
    >
      {sorting.error !== null && <ProblemAlert error={sorting.error} />}
      <Table verticalSpacing={3}>
        <Table.Tbody>
          <Table.Tr>
            <Table.Td w={90}>Primary</Table.Td>
            <Table.Td className="number">
              {lead.phone ?? lead.whatsapp ?? <Text c="dimmed">no number</Text>}
            </Table.Td>
            <Table.Td>
              {lead.whatsapp && lead.phone !== lead.whatsapp ? `WhatsApp ${lead.whatsapp}` : ""}
            </Table.Td>
            <Table.Td ta="right">
              {may("ChangePhone") && (
                <ActionIcon
                  size="sm"
                  variant="subtle"
                  color="gray"
                  aria-label="Change the primary number"
                  onClick={() =>
                    open({ command: "ChangePhone", initial: { phone: lead.phone ?? "" } })
                  }
                >
                  <IconPencil size={14} aria-hidden />
                </ActionIcon>
              )}
            </Table.Td>
          </Table.Tr>
          {contacts.map((contact, index) => (
            <Table.Tr key={contact.id}>
              <Table.Td>Contact {contact.id}</Table.Td>
              <Table.Td className="number">{contact.phone}</Table.Td>
              <Table.Td>
                <Text size="xs" c="dimmed">
                  {plain(contact.fields)}
                </Text>
              </Table.Td>
              <Table.Td>
                <Group gap={2} justify="flex-end" wrap="nowrap">
                  {may("ReorderContacts") && (
                    <>
                      <ActionIcon
                        size="sm"
                        variant="subtle"
                        color="gray"
                        aria-label={`Contact ${contact.id} earlier`}
                        disabled={index === 0 || sorting.isPending}
                        onClick={() => move(index, -1)}
                      >
                        <IconArrowUp size={14} aria-hidden />
                      </ActionIcon>
                      <ActionIcon
                        size="sm"
                        variant="subtle"
                        color="gray"
                        aria-label={`Contact ${contact.id} later`}
                        disabled={index === contacts.length - 1 || sorting.isPending}
                        onClick={() => move(index, 1)}
                      >
                        <IconArrowDown size={14} aria-hidden />
                      </ActionIcon>
                    </>
                  )}
                  {may("UpdateContact") && (
                    <ActionIcon
                      size="sm"
                      variant="subtle"
                      color="gray"
                      aria-label={`Edit contact ${contact.id}`}
                      onClick={() =>
                        open({
                          command: "UpdateContact",
                          initial: {
                            contact: contact.id,
                            phone: contact.phone,
                            fields: contact.fields,
                          },
                          given: ["contact"],
                        })
                      }
                    >
                      <IconPencil size={14} aria-hidden />
                    </ActionIcon>
                  )}
                  {may("RemoveContact") && (
                    <ActionIcon
                      size="sm"
                      variant="subtle"
                      color="gray"
                      aria-label={`Remove contact ${contact.id}`}
                      onClick={() =>
                        open({
                          command: "RemoveContact",
                          initial: { contact: contact.id },
                          given: ["contact"],
                          title: `Remove ${contact.phone ?? `contact ${contact.id}`}`,
                        })
                      }
                    >
                      <IconTrash size={14} aria-hidden />
                    </ActionIcon>
                  )}
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}
