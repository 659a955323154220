import assert from 'node:assert/strict';
import { cronFault, lastDue, nextDue } from '../../../src/core/cron.ts';
import { parseSchedules } from '../../../src/core/schedule.ts';

const at = (text: string): number => Date.parse(text);
const iso = (time: number | undefined): string | undefined => (time === undefined ? undefined : new Date(time).toISOString());
const DAILY = { cron: '0 9 * * *', timezone: 'UTC' };

describe('Schedules (row 243)', () => {
  it('are read with their defaults, bare or under their key', () => {
    const list = '- {name: deps, cron: "@weekly", template: update, set: {package: zod, count: 3}}\n';
    for (const text of [list, `schedules:\n${list.replace(/^/gm, '  ')}`.trimEnd()]) {
      const { schedules, problems } = parseSchedules(text, 's.yaml', cronFault);
      assert.deepEqual(problems, []);
      assert.deepEqual(schedules.map(({ schedule }) => schedule), [{ name: 'deps', cron: '@weekly', template: 'update', set: { package: 'zod', count: '3' }, enabled: true }]);
    }
    assert.deepEqual(parseSchedules('', 's.yaml', cronFault).schedules, []);
    assert.deepEqual(parseSchedules('schedules:\n', 's.yaml', cronFault), { schedules: [], problems: [] });
  });

  it('have their mistakes located, and the sound ones stay', () => {
    const { schedules, problems } = parseSchedules(
      [
        'schedules:',
        '  - name: hour',
        '    cron: "0 25 * * *"',
        '    template: x',
        '  - {name: zone, cron: "0 9 * * MON", template: t, timezone: Mars/X}',
        '  - {name: never, cron: "0 0 30 2 *", template: t}',
        '  - {name: two words, cron: "* * * * *", template: t}',
        '  - {name: typo, cron: "* * * * *", tmplate: t}',
        '  - {name: good, cron: "0 9 * * 1-5", template: t}',
        '  - {name: Good, cron: "0 9 * * 1-5", template: t}',
        'shedules: []',
      ].join('\n'),
      's.yaml',
      cronFault,
    );
    assert.deepEqual(schedules.map(({ schedule }) => schedule.name), ['good']);
    const found = problems.map(({ line, message }) => `${line} ${message}`).sort();
    assert.deepEqual(
      found.map((one) => one.slice(0, 46)),
      [
        '10 Another schedule is named "Good"; names are',
        '11 "shedules" is no key of this file; schedule',
        '3 Schedule hour: cron "0 25 * * *" cannot be r',
        '5 Schedule zone: timezone "Mars/X" is not know',
        '6 Schedule never: cron "0 0 30 2 *" is never d',
        '7 Schedule 4: name must be 1 to 40 letters, di',
        '8 Schedule 5: template is missing',
        '8 Schedule 5: tmplate is no key that Baton kno',
      ].map((one) => one.slice(0, 46)),
    );
  });

  it('bring any number of missed times down to the last one', () => {
    assert.equal(iso(lastDue(DAILY, at('2026-01-01T00:00:00Z'), at('2026-01-05T08:00:00Z'))), '2026-01-04T09:00:00.000Z');
    assert.equal(iso(lastDue(DAILY, at('2026-01-04T10:00:00Z'), at('2026-01-05T08:59:59.999Z'))), undefined);
  });

  it('are due once: at their time, and not again for the same', () => {
    assert.equal(iso(lastDue(DAILY, at('2026-01-05T00:00:00Z'), at('2026-01-05T09:00:00Z'))), '2026-01-05T09:00:00.000Z');
    assert.equal(lastDue(DAILY, at('2026-01-05T09:00:00Z'), at('2026-01-05T09:00:30Z')), undefined);
    assert.equal(iso(lastDue(DAILY, at('2026-01-03T00:00:00Z'), at('2026-01-05T08:59:59.500Z'))), '2026-01-04T09:00:00.000Z');
    assert.equal(iso(nextDue(DAILY, at('2026-01-05T09:00:00Z'))), '2026-01-06T09:00:00.000Z');
  });

  it('keep to their time zone through summer time', () => {
    const berlin = { cron: '0 9 * * *', timezone: 'Europe/Berlin' };
    assert.equal(iso(nextDue(berlin, at('2026-03-28T12:00:00Z'))), '2026-03-29T07:00:00.000Z');
    assert.equal(iso(nextDue(berlin, at('2026-03-27T12:00:00Z'))), '2026-03-28T08:00:00.000Z');
  });
});
