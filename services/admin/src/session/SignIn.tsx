import { Button, Card, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Problem, problemOf } from "../api/problem";
import { endedBecause, startSession } from "./key";

/** Asks the service who the holder of the key is; throws a `Problem` when it is nobody. */
async function check(key: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch("/v1/me", { headers: { Authorization: `Bearer ${key}` } });
  } catch {
    throw Problem.unreachable();
  }
  if (response.status === 401) {
    throw new Problem(
      401,
      "",
      "This key opens nothing. Check that it is whole.",
      "",
      [],
      false,
      "",
    );
  }
  if (!response.ok) throw await problemOf(response);
  return key;
}

/** The page for who has no session: a key in, or a sentence that says why not. */
export function SignIn() {
  const [key, setKey] = useState("");
  const signIn = useMutation({ mutationFn: check, onSuccess: startSession });
  const why = signIn.error?.message || endedBecause();
  return (
    <main className="sign-in">
      <Card withBorder shadow="sm" padding="xl" radius="md" w={400}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (key.trim() !== "") signIn.mutate(key.trim());
          }}
        >
          <Stack gap="md">
            <Title order={1} size="h2">
              Leads
            </Title>
            <Text c="dimmed" size="sm">
              Sign in with your API key. It stays in this tab and is forgotten when you close it.
            </Text>
            <PasswordInput
              label="API key"
              value={key}
              onChange={(event) => setKey(event.currentTarget.value)}
              error={why || undefined}
              autoFocus
              autoComplete="current-password"
            />
            <Button type="submit" loading={signIn.isPending} disabled={key.trim() === ""}>
              Sign in
            </Button>
          </Stack>
        </form>
      </Card>
    </main>
  );
}
