// Takes out of the OpenAPI document what forms are made of: every command with its fields.
import { readFileSync, writeFileSync } from "node:fs";

const document = JSON.parse(
  readFileSync(new URL("../../../schemas/generated/openapi.json", import.meta.url), "utf8"),
);

/** The schema with every reference replaced by what it points to. */
function whole(schema) {
  if (Array.isArray(schema)) return schema.map(whole);
  if (schema === null || typeof schema !== "object") return schema;
  if (typeof schema.$ref === "string") {
    const target = document.components.schemas[schema.$ref.split("/").at(-1)];
    const isFilter = target.properties?.op !== undefined;
    return isFilter ? { type: "object", title: target.title, "x-filter": true } : whole(target);
  }
  if (schema.discriminator?.propertyName === "op") return { type: "object", "x-filter": true };
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, whole(value)]));
}

const commands = [];
for (const [path, methods] of Object.entries(document.paths)) {
  const operation = methods.post;
  if (operation?.["x-roles"] === undefined) continue;
  const reference = operation.requestBody?.content["application/json"].schema;
  const name = reference?.$ref?.split("/").at(-1) ?? operation.operationId;
  commands.push({
    name,
    path,
    summary: operation.summary ?? "",
    description: operation.description ?? "",
    roles: operation["x-roles"],
    bulk: operation["x-bulk"] === true,
    schema: reference === undefined ? { type: "object", properties: {} } : whole(reference),
  });
}
commands.sort((a, b) => a.path.localeCompare(b.path, "en"));
writeFileSync(
  new URL("../src/generated/commands.json", import.meta.url),
  `${JSON.stringify(commands, null, 1)}\n`,
);
