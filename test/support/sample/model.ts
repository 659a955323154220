/**
 * A model that does the sample's tasks: the edits of the sample's scripted agent, said as an agent says them (look first, then
 * edit). What a test wants besides (commands that need a permission, points at which the model is held) it hands in.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Conversation, Script, ToolUse, Turn } from '../modelServer/scenario.ts';
import { missing } from '../modelServer/scenario.ts';
import { ROOT } from '../vscode/cache.ts';

/** What a test adds to the model's turns for a task, by the task's id. */
export interface TaskScript {
  /** One answer waits for this: the first, or the one of this number, counted from 0. */
  readonly hold?: Promise<unknown>;
  readonly holdAt?: number;
  /** Shell commands before the last word, one a turn. */
  readonly commands?: readonly string[];
  /** Answers to a prompt that asks for something else than the task itself, where it contains the text. */
  readonly replies?: readonly { readonly to: string; readonly turns: readonly Turn[] }[];
}

interface Desk {
  readonly prompt: string;
  say(line: string): Promise<void>;
  read(file: string): string;
  write(file: string, text: string): void;
  replace(file: string, from: string, to: string): void;
  append(file: string, addition: string): void;
}
type Edits = Readonly<Record<string, (desk: Desk) => Promise<void>>>;

const SAMPLE = path.join(ROOT, 'sample/repository');
/** The task that builds on another one's files. */
const AFTER: Readonly<Record<string, string>> = { 'csv-export': 'csv-quoted-fields' };
/** In the prompt after a failed gate. From it the model learns what its first attempt at csv-quoted-fields forgot. */
const GATE_OUTPUT = 'accepts CRLF line ends';
/** In the prompt of a session that goes on after a stop or a crash. */
const INTERRUPTED = 'You were interrupted';

/** The id of the task that a conversation is about. */
export function taskIn(conversation: Conversation): string {
  const opening = conversation.messages.find((message) => message.text.includes('# Task '));
  return /^# Task ([\w.-]+):/m.exec(opening?.text ?? '')?.[1] ?? '';
}

export async function sampleModel(scripts: Readonly<Record<string, TaskScript>> = {}): Promise<Script> {
  const { EDITS } = (await import(pathToFileURL(path.join(ROOT, 'sample/agents/edits.mjs')).href)) as { EDITS: Edits };
  const turns = new Map<string, { first: Turn[]; again: Turn[]; corrected: Turn[] }>();
  for (const id of Object.keys(EDITS)) {
    const script = scripts[id] ?? {};
    const plain = await turnsFor(EDITS, id, '', {});
    const first = await turnsFor(EDITS, id, '', script);
    const { hold, holdAt = 0 } = script;
    if (hold !== undefined) first[holdAt] = { ...first[holdAt], hold };
    turns.set(id, { first, again: plain, corrected: await turnsFor(EDITS, id, GATE_OUTPUT, {}) });
  }
  return (conversation) => {
    const id = taskIn(conversation);
    const known = turns.get(id);
    if (known === undefined) return missing(`no task of the sample is in "${conversation.prompt.slice(0, 200)}"`);
    const reply = scripts[id]?.replies?.find(({ to }) => conversation.prompt.includes(to));
    const { prompt } = conversation;
    const own = reply?.turns ?? (prompt.includes(GATE_OUTPUT) ? known.corrected : prompt.includes(INTERRUPTED) ? known.again : known.first);
    return own[conversation.answers] ?? missing(`${id} has only ${own.length} answers here`);
  };
}

async function turnsFor(edits: Edits, id: string, prompt: string, script: TaskScript): Promise<Turn[]> {
  const files = sampleFiles();
  const before = AFTER[id];
  if (before !== undefined) await record(edits, before, GATE_OUTPUT, files);
  const correction = prompt === '' ? undefined : await record(edits, id, '', files);
  // A correction starts from what the first attempt left.
  const { said, tools } = await record(edits, id, prompt, files);
  const reads = [...new Set(tools.map((tool) => ('path' in tool ? tool.path : '')))].map((file): ToolUse => ({ tool: 'read', path: file }));
  return [
    { text: said[0] ?? 'Reading.', tools: reads },
    { text: said.slice(1).join(' ') || 'Editing.', tools },
    ...(script.commands ?? []).map((command): Turn => ({ text: 'Checking my work.', tools: [{ tool: 'shell', command }] })),
    { text: correction === undefined ? 'The change is made and has a test.' : 'The failing case is handled now.' },
  ];
}

/** Runs the scripted agent's edit over files in memory and notes what it says and does. */
async function record(edits: Edits, id: string, prompt: string, files: Map<string, string>): Promise<{ said: string[]; tools: ToolUse[] }> {
  const said: string[] = [];
  const tools: ToolUse[] = [];
  const read = (file: string): string => files.get(file) ?? '';
  const edit = (file: string, from: string, to: string): void => {
    tools.push({ tool: 'edit', path: file, old: from, new: to });
    files.set(file, read(file).replace(from, () => to));
  };
  await edits[id]?.({
    prompt,
    read,
    say: (line) => Promise.resolve(void said.push(line)),
    write: (file, text) => {
      tools.push({ tool: 'write', path: file, content: text });
      files.set(file, text);
    },
    replace: edit,
    append: (file, addition) => {
      const text = read(file);
      if (text.includes(addition.trim())) return;
      const paragraph = text.trimEnd().lastIndexOf('\n\n');
      const tail = text.slice(paragraph === -1 ? 0 : paragraph + 2);
      edit(file, tail, `${tail.trimEnd()}\n\n${addition.trim()}\n`);
    },
  });
  return { said, tools };
}

function sampleFiles(): Map<string, string> {
  const names = ['README.md', ...['src', 'test'].flatMap((folder) => readdirSync(path.join(SAMPLE, folder)).map((name) => `${folder}/${name}`))];
  return new Map(names.map((name) => [name, readFileSync(path.join(SAMPLE, name), 'utf8')]));
}
