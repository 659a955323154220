/** What the commands work with: the parts of the running extension, built by extension.ts. */
import type * as vscode from 'vscode';
import type { EngineModule, OnDemand } from './engine.ts';
import type { NeedsYouView } from './needsYouView.ts';
import type { Pages } from './pages.ts';
import type { QueueView } from './queueView.ts';
import type { Repositories } from './repositories.ts';
import type { Reviews } from './review.ts';
import type { Transcripts } from './transcript.ts';

export interface App {
  readonly log: vscode.LogOutputChannel;
  readonly engine: () => EngineModule;
  readonly onDemand: () => OnDemand;
  readonly repositories: Repositories;
  readonly queue: QueueView;
  readonly needsYou: NeedsYouView;
  readonly reviews: Reviews;
  readonly transcripts: Transcripts;
  readonly pages: Pages;
  /** Folder of the extension, from which the dashboard's page is loaded. */
  readonly extensionUri: vscode.Uri;
  /** Let go of when the extension ends. */
  readonly subscriptions: { push(...disposables: { dispose(): unknown }[]): unknown };
}
