/** docs/CONFIGURATION.md, made of the same schemas that check the files. */
import manifest from '../package.json' with { type: 'json' };
import { orchestratorJsonSchema, tasksJsonSchema, type JsonSchema } from '../src/core/config/jsonSchema.ts';
import { schedulesJsonSchema } from '../src/core/scheduleSchema.ts';

interface Row {
  readonly key: string;
  readonly type: string;
  readonly fallback: string;
  readonly text: string;
}

/** The whole page. */
export function configurationPage(): string {
  const sections = Object.entries(record(orchestratorJsonSchema()['properties'])).map(([name, schema]) => sectionOf(name, record(schema)));
  return `# Configuration

Generated from the schema of the configuration by \`npm run generate\`; a test says when it is out of date. VS Code completes and checks these files (with
the YAML extension), \`baton init\` writes a commented start, and mistakes are reported with file, line and column. Changes apply without a restart; while a
file has an error, its last valid version stays in force.

\`\${VAR}\` and \`\${VAR:-default}\` stand for environment variables in every text but commands for a shell (\`gates[].run\`, \`worktree.setup\`), which see the
environment anyway; \`$\${\` is a literal. A variable that is not set turns off only what needs it.

- [\`.baton/orchestrator.yaml\`](#batonorchestratoryaml): how Baton works in this repository (\`config/orchestrator.yaml\` is read where the first is absent)
- [\`.baton/tasks.yaml\` and \`.baton/tasks/*.md\`](#tasks): what is to be done
- [\`.baton/templates/*.md\` and \`.baton/schedules.yaml\`](#templates-and-schedules): what is to be done again and again
- [VS Code's settings](#vs-codes-settings): what concerns a machine or a window

## .baton/orchestrator.yaml

Every key may be left out.

${sections.join('\n\n')}

## Tasks

A list under \`tasks:\` in \`.baton/tasks.yaml\`, or one Markdown file a task in \`.baton/tasks/\`: these keys as frontmatter, the heading \`# …\` is the goal, the
rest is the description, and the file's name is the id where none is given.

${table(taskRows())}

## Templates and schedules

A template is a task file in \`.baton/templates/\` with placeholders: \`{{name}}\` must be given a value, \`{{name: text}}\` may be; \`{{date}}\` and \`{{time}}\` are
known; \`\\{{\` stands for the characters themselves. It is used by *Baton: New Task from Template…*, by \`baton add --template\`, and by a schedule: a list under
\`schedules:\` in \`.baton/schedules.yaml\`, each of

${table(scheduleRows())}

A schedule queues its task once for each time it is due, as soon as a Baton that works on the repository sees it; for all the times that passed while the
machine slept or nobody worked on it, one task is queued.

## VS Code's settings

${table(settingRows())}
`;
}

function sectionOf(name: string, schema: JsonSchema): string {
  const rows = rowsOf(schema, name);
  const type = isGroup(schema) ? '' : `${typeOf(schema)[0]?.toUpperCase() ?? ''}${typeOf(schema).slice(1)}.`;
  return [`### ${name}`, [textOf(schema), type].join(' ').trim(), ...(rows.length === 0 ? [] : [table(rows)])].filter((part) => part !== '').join('\n\n');
}

/** Every key below a schema, with dots between its parts, \`[]\` for a list's items and \`<name>\` for a name of the user's own. */
function rowsOf(schema: JsonSchema, prefix: string): Row[] {
  const node = resolved(schema);
  if (node['type'] === 'array' || isType(node, 'array')) return rowsOf(record(node['items']), `${prefix}[]`);
  const named = record(node['additionalProperties']);
  const own = Object.entries(record(node['properties'])).flatMap(([key, inner]) => {
    const path = `${prefix}.${key}`;
    const below = rowsOf(record(inner), path);
    const row = { key: path, type: typeOf(record(inner)), fallback: fallbackOf(record(inner)), text: textOf(record(inner)) };
    return below.length > 0 && row.text === '' ? below : [row, ...below];
  });
  return Object.keys(named).length > 0 && isGroup(named) ? [...own, ...rowsOf(named, `${prefix}.<name>`)] : own;
}

function taskRows(): Row[] {
  const [list] = tasksJsonSchema()['anyOf'] as JsonSchema[];
  return rowsOf(record(record(list)['items']), 'task').map((row) => ({ ...row, key: row.key.replace(/^task\./, '') }));
}

function scheduleRows(): Row[] {
  const list = (schedulesJsonSchema()['anyOf'] as JsonSchema[]).find((one) => one['type'] === 'array');
  return rowsOf(record(record(list)['items']), 'schedule').map((row) => ({ ...row, key: row.key.replace(/^schedule\./, '') }));
}

/** `baton.*`, as the manifest declares them. */
function settingRows(): Row[] {
  return Object.entries(manifest.contributes.configuration.properties).map(([key, schema]: [string, JsonSchema]) => ({
    key,
    type: typeOf(schema),
    fallback: fallbackOf(schema),
    text: textOf(schema) || textOf({ description: schema['markdownDescription'] }),
  }));
}

function table(rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(['key', 'value', 'default', 'meaning']), line(['---', '---', '---', '---']), ...rows.map(({ key, type, fallback, text }) => line([`\`${key}\``, type, fallback, text]))].join('\n');
}

/** Without the alternative that a variable stands there. */
function resolved(schema: JsonSchema): JsonSchema {
  const branches = Array.isArray(schema['anyOf']) ? (schema['anyOf'] as JsonSchema[]).filter((one) => one['pattern'] !== '\\$\\{' && one['type'] !== 'null') : [];
  const [only] = branches;
  if (branches.length !== 1 || only === undefined) return schema;
  return { ...Object.fromEntries(Object.entries(schema).filter(([key]) => key !== 'anyOf')), ...only };
}

function typeOf(schema: JsonSchema): string {
  const node = resolved(schema);
  if (Array.isArray(node['enum'])) return (node['enum'] as unknown[]).map((word) => `\`${String(word)}\``).join(', ');
  if (Array.isArray(node['anyOf'])) return [...new Set((node['anyOf'] as JsonSchema[]).map(typeOf))].join(' or ');
  if (isType(node, 'array')) return `list of ${typeOf(record(node['items'])) || 'anything'}`;
  if (isType(node, 'object')) return Object.keys(record(node['properties'])).length > 0 ? 'group' : 'group by name';
  const types = [node['type']].flat().filter((type) => type !== 'null');
  return types.map((type) => TYPES[String(type)] ?? String(type)).join(' or ');
}

const TYPES: Readonly<Record<string, string>> = { string: 'text', number: 'number', integer: 'whole number', boolean: '`true`, `false`' };

function fallbackOf(schema: JsonSchema): string {
  const value = schema['default'];
  if (value === undefined || (isType(resolved(schema), 'object') && Object.keys(record(value)).length === 0)) return '';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value).replace(/","/g, '", "')}\``;
}

function textOf(schema: JsonSchema): string {
  return typeof schema['description'] === 'string' ? schema['description'].replace(/\|/g, '\\|') : '';
}

function isType(schema: JsonSchema, type: string): boolean {
  return [schema['type']].flat().includes(type);
}

function isGroup(schema: JsonSchema): boolean {
  return Object.keys(record(resolved(schema)['properties'])).length > 0;
}

function record(value: unknown): JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonSchema) : {};
}
