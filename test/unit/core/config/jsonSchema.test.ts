import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { knownKeys, orchestratorJsonSchema, tasksJsonSchema } from '../../../../src/core/config/jsonSchema.ts';
import { configurationPage } from '../../../../scripts/configurationPage.ts';
import { schedulesJsonSchema } from '../../../../src/core/scheduleSchema.ts';
import { defaultConfig } from '../../../../src/core/config/schema.ts';

const media = (name: string): unknown => JSON.parse(readFileSync(join(import.meta.dirname, '../../../../media', name), 'utf8'));

describe('The JSON Schemas for editors', () => {
  it('are up to date (else: npm run generate)', () => {
    assert.deepEqual(media('orchestrator.schema.json'), orchestratorJsonSchema());
    assert.deepEqual(media('tasks.schema.json'), tasksJsonSchema());
    assert.deepEqual(media('schedules.schema.json'), schedulesJsonSchema());
  });
  it('are what docs/CONFIGURATION.md says (else: npm run generate)', () => {
    assert.equal(readFileSync(join(import.meta.dirname, '../../../../docs/CONFIGURATION.md'), 'utf8'), configurationPage());
  });
  it('describe every key', () => {
    const silent = [...readFileSync(join(import.meta.dirname, '../../../../docs/CONFIGURATION.md'), 'utf8').matchAll(/^\| `([^`]+)` \|.*\| *\|$/gm)].map(([, key]) => key);
    assert.deepEqual(silent, []);
  });
  it('name every section', () => {
    assert.deepEqual(knownKeys(orchestratorJsonSchema(), []).sort(), [...Object.keys(defaultConfig()), 'gates'].filter((key, i, all) => all.indexOf(key) === i).sort());
  });
});
