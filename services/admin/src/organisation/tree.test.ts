import { expect, test } from "vitest";
import { linesOf } from "./tree";

const team = (team_id: string, parent_id: string | null, active = true) => ({
  team_id,
  parent_id,
  active,
  name: team_id,
  ownership_code: null,
});
const user = (user_id: string, team_id: string, active = true) => ({
  user_id,
  team_id,
  active,
  name: user_id,
  email: null,
  ownership_code: null,
  rights: [],
  role: "agent",
});

const drawn = (inactive: boolean) =>
  linesOf(
    [team("north", "top"), team("top", null), team("old", "top", false), team("lost", "gone")],
    [user("ann", "north"), user("bob", "top"), user("cy", "north", false)],
    inactive,
  ).map(
    (line) => `${"-".repeat(line.depth)}${line.kind === "team" ? line.team.name : line.user.name}`,
  );

test("users stand under their team, teams below theirs, and nobody is missing", () => {
  expect(drawn(false)).toEqual(["top", "-bob", "-north", "--ann", "lost"]);
});

test("what is switched off is shown when asked for", () => {
  expect(drawn(true)).toEqual(["top", "-bob", "-north", "--ann", "--cy", "-old", "lost"]);
});
