import assert from 'node:assert/strict';
import { loadConfig } from '../../../../src/core/config/load.ts';
import { defaultConfig } from '../../../../src/core/config/schema.ts';
import { orchestratorTemplate } from '../../../../src/core/config/template.ts';

const load = (text: string) => loadConfig(text, 'orchestrator.yaml', {});

describe('The configuration that `baton init` writes (row 56)', () => {
  it('is valid and states the defaults', () => {
    assert.deepEqual(load(orchestratorTemplate()), { config: defaultConfig(), problems: [], valid: true });
  });
  it('lists the gates that were found, whatever their commands are', () => {
    const gates = [
      { name: 'test', run: 'npm test', timeout: 600, required: true },
      { name: 'lint: all', run: 'npx eslint . --rule \'{"a": 1}\' # ${x}', timeout: 60, required: false },
    ];
    const { config, problems } = load(orchestratorTemplate({ gates, agents: ['claude'] }));
    assert.deepEqual(problems, []);
    assert.deepEqual(config.gates?.map(({ name, run, timeout, required }) => ({ name, run, timeout, required })), gates);
  });
  it('stays valid when every example in it is taken in', () => {
    const text = orchestratorTemplate().replace(/^#(?! \S)/gm, '');
    const { config, problems } = load(text);
    assert.deepEqual(problems, []);
    assert.equal(config.permissions.length, 3);
    assert.equal(config.retry.by_error['rate_limit']?.initial_backoff, 300);
    assert.equal(config.notifications.webhook_url, 'https://hooks.example.com/baton');
    for (const section of Object.keys(defaultConfig())) assert.ok(text.includes(`${section}:`) || ['telemetry', 'memory', 'store', 'runner'].includes(section), section);
  });
});
