/** *Search Transcripts…*: words in what agents said and did, in every task of the window, while the user types. */
import * as vscode from 'vscode';
import { join } from 'node:path';
import { searchRuns, type TranscriptHit } from '../adapters/runs/searchRuns.ts';
import type { App } from './app.ts';
import { guarded } from './boundary.ts';
import { localTime } from './model/format.ts';

/** A pause in typing, in ms. */
const PAUSE = 200;
/** Fewer letters would find everything. */
const SHORTEST = 2;

interface HitItem extends vscode.QuickPickItem {
  readonly root?: string;
  readonly hit?: TranscriptHit;
}

export function searchTranscripts(app: App): void {
  const picker = vscode.window.createQuickPick<HitItem>();
  picker.title = 'Search Transcripts';
  picker.placeholder = 'Words that an agent, a tool or you have said';
  let asked = 0;
  let timer: NodeJS.Timeout | undefined;
  const search = async (words: string): Promise<void> => {
    asked += 1;
    const mine = asked;
    picker.busy = true;
    const items = words.trim().length < SHORTEST ? [] : await find(app, words);
    // What was typed meanwhile is looked for by itself.
    if (mine !== asked) return;
    picker.busy = false;
    picker.items = items.length > 0 || words.trim().length < SHORTEST ? items : [{ label: 'No transcript has these words.', alwaysShow: true }];
  };
  picker.onDidChangeValue((words) => {
    clearTimeout(timer);
    timer = setTimeout(() => void guarded(app.log, () => search(words)), PAUSE);
  });
  picker.onDidAccept(() => {
    const [item] = picker.selectedItems;
    if (item?.hit === undefined || item.root === undefined) return;
    const { root, hit } = item;
    picker.hide();
    void guarded(app.log, () => app.transcripts.open(root, hit.task_id, hit.attempt_id, hit.line));
  });
  picker.onDidHide(() => {
    clearTimeout(timer);
    asked += 1;
    picker.dispose();
  });
  picker.show();
}

async function find(app: App, words: string): Promise<HitItem[]> {
  const several = app.repositories.all.length > 1;
  const now = Date.now();
  const found = await Promise.all(
    app.repositories.all.map(async ({ root, name }) => (await searchRuns(join(root, '.baton'), words)).map((hit): HitItem => {
      const when = hit.at === null ? '' : ` · ${localTime(hit.at, now)}`;
      // VS Code's own filter knows only what is shown; the words were found already.
      return { label: hit.text.replaceAll('$(', '$\u200b('), description: `${hit.task_id} ${hit.attempt_id}${when}${several ? ` · ${name}` : ''}`, alwaysShow: true, root, hit };
    })),
  );
  return found.flat();
}
