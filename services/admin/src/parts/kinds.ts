/** "lead.owner_changed" as people read it: "Owner changed". */
export function kindLabel(kind: string): string {
  const words = kind.replace(/^[a-z_]+\./, "").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
