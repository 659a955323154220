/** JSON Schemas of Baton's files for completion and checks in the editor, generated from the zod schemas. */
import * as z from 'zod';
import { taskDefinition } from '../task.ts';
import { isRecord, type Path } from '../yamlText.ts';
import { configSchema } from './schema.ts';

export type JsonSchema = Record<string, unknown>;

/** Draft 7, which is what YAML editors understand. */
const OPTIONS = { io: 'input', target: 'draft-7', unrepresentable: 'any' } as const;

/** Schema of `.baton/orchestrator.yaml`. Sections may be empty, and figures may come from the environment. */
export function orchestratorJsonSchema(): JsonSchema {
  const schema = allowVariables(z.toJSONSchema(configSchema, OPTIONS)) as JsonSchema;
  delete schema['default'];
  const sections = isRecord(schema['properties']) ? schema['properties'] : {};
  for (const section of Object.values(sections)) {
    if (isRecord(section) && typeof section['type'] === 'string') section['type'] = [section['type'], 'null'];
  }
  return { title: 'Baton configuration', description: 'How Baton runs coding agents in this repository.', ...schema };
}

/** Schema of `.baton/tasks.yaml`: a list of tasks, bare or under `tasks:`. */
export function tasksJsonSchema(): JsonSchema {
  const { $schema, ...task } = z.toJSONSchema(taskDefinition, OPTIONS) as JsonSchema;
  const properties = isRecord(task['properties']) ? task['properties'] : {};
  const tasks = { type: 'array', items: { ...task, properties: { ...properties, from: { type: 'string', description: 'Another name of sender.' } } } };
  return {
    $schema,
    title: 'Baton tasks',
    description: 'Tasks that Baton works off by priority.',
    anyOf: [tasks, { type: 'object', properties: { tasks: { anyOf: [tasks, { type: 'null' }] } }, required: ['tasks'] }, { type: 'null' }],
  };
}

/**
 * Schema of the frontmatter of a task template in `.baton/templates`: a task's, with nothing required (the heading is the goal) and a placeholder where
 * any value may stand. Without quotation marks YAML reads `{{name}}` as a group, which Baton does not.
 */
export function templateJsonSchema(): JsonSchema {
  const task = z.toJSONSchema(taskDefinition, OPTIONS) as JsonSchema;
  delete task['required'];
  const properties = Object.entries(isRecord(task['properties']) ? task['properties'] : {}).map(([key, value]) => [key, orPlaceholder(value)]);
  return { title: 'Baton task template', description: 'A task with {{placeholders}}, for New Task from Template, `baton add --template` and schedules.', ...task, properties: Object.fromEntries(properties) as unknown, type: ['object', 'null'] };
}

function orPlaceholder(value: unknown): JsonSchema {
  const { description, ...check } = isRecord(value) ? value : {};
  return { ...(description === undefined ? {} : { description }), anyOf: [check, { type: 'string', pattern: '\\{\\{.*\\}\\}' }, { type: 'object' }] };
}

/** The keys that the configuration may have at a path. */
export function knownKeys(schema: JsonSchema, path: Path): string[] {
  let nodes: JsonSchema[] = [schema];
  for (const key of path) {
    nodes = nodes.flatMap(branches).flatMap((node) => {
      const { properties, additionalProperties, items } = node;
      const next = typeof key === 'number' ? items : isRecord(properties) && Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
      return isRecord(next) ? [next] : [];
    });
  }
  return nodes.flatMap(branches).flatMap(({ properties, propertyNames }) => [
    ...(isRecord(properties) ? Object.keys(properties) : []),
    ...(isRecord(propertyNames) && Array.isArray(propertyNames['enum']) ? propertyNames['enum'].map(String) : []),
  ]);
}

function branches(node: JsonSchema): JsonSchema[] {
  const any = Array.isArray(node['anyOf']) ? (node['anyOf'] as unknown[]).filter(isRecord) : [];
  return [node, ...any.flatMap(branches)];
}

/** Lets `${VAR}` stand where a number or a truth value is expected. */
function allowVariables(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(allowVariables);
  if (!isRecord(node)) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, key === 'default' || key === 'enum' ? value : allowVariables(value)]));
  if (copy['type'] !== 'number' && copy['type'] !== 'integer' && copy['type'] !== 'boolean') return copy;
  const { description, default: fallback, ...check } = copy;
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    anyOf: [check, { type: 'string', pattern: '\\$\\{' }],
  };
}
