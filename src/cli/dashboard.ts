/** `baton dashboard`: the whole state of a repository on one screen, once or kept up to date. */
import { Command } from 'commander';
import { BatonError } from '../core/errors.ts';
import type { Bind } from './context.ts';
import { dashboardDocument, unreadable } from './dashboardDocument.ts';
import { dashboardLines } from './dashboardPicture.ts';
import { showOrWatch, watchable } from './watch.ts';

/** The window of its figures. */
const SINCE_SECONDS = 86_400;
/** An hour wide each: a day begins and ends within one. */
const BUCKETS = 25;

export function dashboardCommand(bind: Bind): Command {
  const command = new Command('dashboard').description('what needs you, what runs, what waits, what it costs and how it is, on one screen');
  return bind(watchable(command), async (context) => {
    try {
      return await showOrWatch(context, command, async (snapshot, { api, role }, fit) => {
        const document = dashboardDocument(snapshot, await api.metrics({ since_seconds: SINCE_SECONDS, max_buckets: BUCKETS }), role === 'client');
        return { document, lines: context.json ? [] : dashboardLines(snapshot, document, { width: context.io.columns(), rows: fit ? context.io.rows() : null, style: context.style }) };
      });
    } catch (error) {
      if (!(error instanceof BatonError) || error.kind !== 'store') throw error;
      const hint = error.hint === undefined ? [] : [error.hint];
      return { document: unreadable(error.message), lines: [`${context.style.paint('red', 'error')}: ${error.message}`, ...hint], code: 1 };
    }
  });
}
