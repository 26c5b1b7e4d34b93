import { Alert, Button, Code, Group, List, Stack, Table, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { download } from "../api/client";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useLeadFrame } from "./frame";
import { useProof } from "./queries";
import { Section } from "./Section";

/** That nothing of the lead's history was changed or left out, and how to check it without us. */
export function ProofTab() {
  const { lead } = useLeadFrame();
  const leadId = lead.lead_id ?? "";
  const proof = useProof(leadId);
  const found = proof.data;
  const saving = useMutation({
    mutationFn: (what: "package" | "verifier") =>
      what === "package"
        ? download(`/v1/leads/${leadId}/audit-package`, `audit-${leadId}.json`)
        : download("/v1/audit/verifier", "offline_verifier.py"),
  });
  return (
    <>
      <Section title="Chain and place in the log">
        {proof.isPending && <Loading lines={4} />}
        {proof.error !== null && <ProblemAlert error={proof.error} retry={() => proof.refetch()} />}
        {found !== undefined && (
          <Stack gap="sm">
            <Alert color={found.holds ? "green" : "red"} py={6} role="status">
              <Text size="sm" fw={600}>
                {found.holds
                  ? `The chain of ${found.events} events holds`
                  : "The chain does not hold"}
              </Text>
              {found.faults.length > 0 && (
                <List size="sm">
                  {found.faults.map((fault) => (
                    <List.Item key={fault}>{fault}</List.Item>
                  ))}
                </List>
              )}
              <Text size="sm">
                {found.sealed === found.events
                  ? "All of them stand under a signed root of the log."
                  : `${found.sealed} of them stand under a signed root; the newest follow soon.`}
              </Text>
            </Alert>
            <Table verticalSpacing={3} layout="fixed">
              <Table.Tbody>
                <Row name="Newest event">
                  version {found.head.version}, position {found.head.position},{" "}
                  <Moment at={found.head.recorded_at} />
                </Row>
                <Row name="Its hash">
                  <Code className="lead-hash">{found.head.hash}</Code>
                </Row>
                {found.inclusion != null && (
                  <>
                    <Row name="Inclusion">
                      version {found.inclusion.version}, by {found.inclusion.path.length} hashes to
                      the root of positions {found.inclusion.seal.first_position} to{" "}
                      {found.inclusion.seal.last_position}
                    </Row>
                    <Row name="Root">
                      <Code className="lead-hash">{found.inclusion.seal.root}</Code>
                    </Row>
                    <Row name="Signature">
                      <Code className="lead-hash">{found.inclusion.seal.signature}</Code>
                    </Row>
                  </>
                )}
                <Row name="Public key">
                  <Code className="lead-hash">{found.public_key}</Code>
                </Row>
              </Table.Tbody>
            </Table>
          </Stack>
        )}
      </Section>
      <Section title="For somebody who does not trust us">
        <Text size="sm" mb="sm">
          The package holds the lead's events as they are stored, hashes, paths and signed roots.
          The verifier needs nothing but Python. Hand over the public key in another way.
        </Text>
        <Group gap="sm">
          <Button
            variant="default"
            loading={saving.isPending && saving.variables === "package"}
            onClick={() => saving.mutate("package")}
          >
            Download the audit package
          </Button>
          <Button
            variant="default"
            loading={saving.isPending && saving.variables === "verifier"}
            onClick={() => saving.mutate("verifier")}
          >
            Download the verifier
          </Button>
        </Group>
        {saving.error !== null && <ProblemAlert error={saving.error} />}
        <Text size="xs" c="dimmed" mt="sm">
          <Code>python3 offline_verifier.py audit-{leadId.slice(0, 8)}….json</Code>
        </Text>
      </Section>
    </>
  );
}

function Row({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th w={130} fw={400} c="dimmed">
        {name}
      </Table.Th>
      <Table.Td>{children}</Table.Td>
    </Table.Tr>
  );
}
