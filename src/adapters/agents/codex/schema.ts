/**
 * JSON Schemas as OpenAI's strict mode takes them, and answers in that form turned back. Strict mode wants every property
 * required and no further ones, so an optional property becomes one that may be null, and a map becomes a list of pairs.
 */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Keywords that strict mode refuses, and that Baton's own check of the answer does not need there. */
const REFUSED: ReadonlySet<string> = new Set(['$schema', 'default', 'minLength', 'maxLength', 'propertyNames']);

export function toStrict(schema: JsonSchema): JsonSchema {
  const kept = Object.fromEntries(Object.entries(schema).filter(([key]) => !REFUSED.has(key)));
  if (Array.isArray(schema['anyOf'])) return { ...kept, anyOf: schema['anyOf'].map((one) => toStrict(record(one))) };
  if (isMap(schema)) return { type: 'array', items: pair(toStrict(record(schema['additionalProperties']))) };
  if (schema['type'] === 'array') return { ...kept, items: toStrict(record(schema['items'])) };
  if (schema['type'] !== 'object') return kept;
  const required = requiredOf(schema);
  const properties = Object.entries(record(schema['properties'])).map(([name, one]) => [name, required.has(name) ? toStrict(record(one)) : nullable(toStrict(record(one)))]);
  return { ...kept, properties: Object.fromEntries(properties) as JsonSchema, required: properties.map(([name]) => name), additionalProperties: false };
}

/** An answer in the strict form of the schema in the form that the schema itself describes. What does not fit is left as it is. */
export function fromStrict(value: unknown, schema: JsonSchema): unknown {
  if (isMap(schema) && Array.isArray(value)) {
    return Object.fromEntries(value.map(record).map((one) => [String(one['key']), fromStrict(one['value'], record(schema['additionalProperties']))]));
  }
  if (schema['type'] === 'array' && Array.isArray(value)) return value.map((one) => fromStrict(one, record(schema['items'])));
  if (schema['type'] !== 'object' || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const required = requiredOf(schema);
  const properties = record(schema['properties']);
  const kept = Object.entries(value).filter(([name, one]) => one !== null || required.has(name));
  return Object.fromEntries(kept.map(([name, one]) => [name, fromStrict(one, record(properties[name]))]));
}

/** An object whose property names are not known beforehand. */
function isMap(schema: JsonSchema): boolean {
  const rest = schema['additionalProperties'];
  return schema['type'] === 'object' && Object.keys(record(schema['properties'])).length === 0 && typeof rest === 'object' && rest !== null && Object.keys(rest).length > 0;
}

function pair(value: JsonSchema): JsonSchema {
  return { type: 'object', properties: { key: { type: 'string' }, value }, required: ['key', 'value'], additionalProperties: false };
}

function nullable(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] };
}

function requiredOf(schema: JsonSchema): ReadonlySet<unknown> {
  return new Set(Array.isArray(schema['required']) ? schema['required'] : []);
}

function record(value: unknown): JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonSchema) : {};
}
