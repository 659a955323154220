// A scripted coding agent: it reads the prompt from standard input and makes the right edit for the task that
// BATON_TASK_ID names, in the current folder. It works slowly enough to be watched; SAMPLE_PACE is milliseconds a line.
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { createDesk } from './desk.mjs';
import { EDITS } from './edits.mjs';

const pace = Number(process.env.SAMPLE_PACE ?? 700);
const id = process.env.BATON_TASK_ID ?? '';

let prompt = '';
for await (const chunk of process.stdin) prompt += chunk;

const desk = createDesk();
const say = async (line) => {
  console.log(line);
  await wait(pace);
};

const edit = EDITS[id];
if (edit === undefined) {
  console.error(`This scripted agent knows the sample's own tasks only (${Object.keys(EDITS).join(', ')}), not "${id}".`);
  console.error('Give the task to a real coding agent: set roles.implementer in .baton/orchestrator.yaml.');
  process.exit(1);
}

await say(`Reading the task: ${prompt.split('\n').find((line) => line.startsWith('# Task')) ?? id}`);
await edit({ prompt, say, ...desk });
if (desk.changed() === 0) {
  // The edit is there already, so something else was asked for: a script can only write that down.
  await say('My one edit for this task is made already. I note the request for a person in NOTES.md.');
  const request = /(?:put right|not finished yet\.)\s*([\s\S]{1,2000})/.exec(prompt)?.[1] ?? prompt.slice(0, 2000);
  appendFileSync('NOTES.md', `${existsSync('NOTES.md') ? '\n' : '# Requests\n\n'}## ${id}\n\n${request.trim()}\n`);
}
await say('Done.');
