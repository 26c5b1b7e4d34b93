import type { Schemas } from "../api/client";

type Team = Schemas["Team"];
type User = Schemas["User"];

/** A line of the tree: a team or a user, and how deep it hangs. */
export type Line =
  | { kind: "team"; depth: number; team: Team; users: number }
  | { kind: "user"; depth: number; user: User };

/**
 * The organisation as lines, each team followed by its users and then by the teams below it. A
 * team whose parent is not told stands at the top, so that nobody is missing.
 */
export function linesOf(teams: readonly Team[], users: readonly User[], inactive: boolean): Line[] {
  const lines: Line[] = [];
  const known = new Set(teams.map((team) => team.team_id));
  const add = (team: Team, depth: number) => {
    const members = users.filter(
      (user) => user.team_id === team.team_id && (inactive || user.active),
    );
    lines.push({ kind: "team", depth, team, users: members.length });
    for (const user of members) lines.push({ kind: "user", depth: depth + 1, user });
    for (const below of teams) {
      if (below.parent_id === team.team_id && (inactive || below.active)) add(below, depth + 1);
    }
  };
  for (const team of teams) {
    if (team.parent_id === null || !known.has(team.parent_id)) add(team, 0);
  }
  return lines;
}
