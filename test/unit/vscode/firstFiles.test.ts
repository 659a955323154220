import assert from 'node:assert/strict';
import { cronFault } from '../../../src/core/cron.ts';
import { parseSchedules } from '../../../src/core/schedule.ts';
import { placeholdersOf, taskFromTemplate, templateProblems } from '../../../src/core/taskTemplate.ts';
import { CREATABLE } from '../../../src/vscode/model/firstFiles.ts';

describe('The first files that are offered', () => {
  it('hold a template that makes a task', () => {
    const { text, file } = CREATABLE.template;
    assert.deepEqual(templateProblems(text, file), []);
    assert.deepEqual(placeholdersOf(text).map(({ name }) => name), ['package', 'version']);
    assert.equal(taskFromTemplate(text, file, { package: 'zod' }).goal, 'Update zod to its latest version');
  });

  it('hold schedules that are sound as they are and with their example taken in', () => {
    const { text, file } = CREATABLE.schedules;
    assert.deepEqual(parseSchedules(text, file, cronFault), { schedules: [], problems: [] });
    const taken = parseSchedules(text.replace('schedules: []', 'schedules:').replace(/^#(?= {2})/gm, ''), file, cronFault);
    assert.deepEqual(taken.problems, []);
    assert.deepEqual(taken.schedules.map(({ schedule }) => [schedule.name, schedule.template]), [['weekly-zod', 'update-dependency']]);
    assert.equal(CREATABLE.template.file, '.baton/templates/update-dependency.md');
  });
});
