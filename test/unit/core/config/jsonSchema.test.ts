import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { knownKeys, orchestratorJsonSchema, tasksJsonSchema, templateJsonSchema } from '../../../../src/core/config/jsonSchema.ts';
import { configurationPage } from '../../../../scripts/configurationPage.ts';
import { schedulesJsonSchema } from '../../../../src/core/scheduleSchema.ts';
import { TASK_KEYS } from '../../../../src/core/task.ts';
import { defaultConfig } from '../../../../src/core/config/schema.ts';

const media = (name: string): unknown => JSON.parse(readFileSync(join(import.meta.dirname, '../../../../media', name), 'utf8'));

describe('The JSON Schemas for editors', () => {
  it('are up to date (else: npm run generate)', () => {
    assert.deepEqual(media('orchestrator.schema.json'), orchestratorJsonSchema());
    assert.deepEqual(media('tasks.schema.json'), tasksJsonSchema());
    assert.deepEqual(media('schedules.schema.json'), schedulesJsonSchema());
    assert.deepEqual(media('template.schema.json'), templateJsonSchema());
  });
  it('are what docs/CONFIGURATION.md says (else: npm run generate)', () => {
    assert.equal(readFileSync(join(import.meta.dirname, '../../../../docs/CONFIGURATION.md'), 'utf8'), configurationPage());
  });
  it('describe every key', () => {
    const silent = [...readFileSync(join(import.meta.dirname, '../../../../docs/CONFIGURATION.md'), 'utf8').matchAll(/^\| `([^`]+)` \|.*\| *\|$/gm)].map(([, key]) => key);
    assert.deepEqual(silent, []);
  });
  it('take in a template’s frontmatter a placeholder where any value may stand, and no other wrong value', () => {
    const schema = z.fromJSONSchema(templateJsonSchema());
    const takes = (frontmatter: string): boolean => schema.safeParse(parse(frontmatter)).success;
    for (const good of ['', 'risk: low', 'risk: "{{risk: low}}"', 'budget_usd: "{{most}}"', 'labels: [bump, "{{name}}"]', 'risk: {risk: null}', 'depends_on: "{{before}}"', 'goal: Bump {{name}} to the latest']) assert.ok(takes(good), good);
    for (const bad of ['risk: lowish', 'budget_usd: much', 'requires_approval: perhaps', '- risk: low']) assert.ok(!takes(bad), bad);
    assert.deepEqual(knownKeys(templateJsonSchema(), []).filter((key) => !TASK_KEYS.includes(key)), []);
  });
  it('name every section', () => {
    assert.deepEqual(knownKeys(orchestratorJsonSchema(), []).sort(), [...Object.keys(defaultConfig()), 'gates'].filter((key, i, all) => all.indexOf(key) === i).sort());
  });
});
