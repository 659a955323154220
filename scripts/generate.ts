/** Writes the files that are generated from the code: `node scripts/generate.ts`. A test says when they are out of date. */
import { configurationPage } from './configurationPage.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { orchestratorJsonSchema, tasksJsonSchema, templateJsonSchema } from '../src/core/config/jsonSchema.ts';
import { schedulesJsonSchema } from '../src/core/scheduleSchema.ts';

const media = join(import.meta.dirname, '..', 'media');
mkdirSync(media, { recursive: true });
for (const [name, schema] of [
  ['orchestrator.schema.json', orchestratorJsonSchema()],
  ['tasks.schema.json', tasksJsonSchema()],
  ['schedules.schema.json', schedulesJsonSchema()],
  ['template.schema.json', templateJsonSchema()],
] as const) {
  writeFileSync(join(media, name), `${JSON.stringify(schema, null, 2)}\n`);
  console.log(`media/${name}`);
}
writeFileSync(join(import.meta.dirname, '..', 'docs', 'CONFIGURATION.md'), configurationPage());
console.log('docs/CONFIGURATION.md');
