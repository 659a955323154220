/**
 * Every id that package.json and the code share, in one place. A test holds package.json against it, and the handlers in
 * commands.ts are a record over CommandId: forgetting one does not compile.
 */

export const VIEWS = { needsYou: 'baton.needsYou', queue: 'baton.queue' } as const;

/** Type of the dashboard's webview panel. */
export const DASHBOARD = 'baton.dashboard';

/** `icon`: codicon of menus that show one. `palette`: false for commands that make sense on an item only. */
export interface CommandFace {
  readonly title: string;
  readonly icon?: string;
  readonly palette?: boolean;
}

export const COMMANDS = {
  'baton.newTask': { title: 'New Task…', icon: 'add' },
  'baton.newTaskFromSelection': { title: 'New Task from Selection…' },
  'baton.newTaskFromTest': { title: 'Queue a Baton Task to Fix This Test', palette: false },
  'baton.importIssues': { title: 'Import GitHub Issues…' },
  'baton.newTaskFromTemplate': { title: 'New Task from Template…' },
  'baton.openSchedules': { title: 'Open Schedules' },
  'baton.start': { title: 'Start', icon: 'play' },
  'baton.pause': { title: 'Pause', icon: 'debug-pause' },
  'baton.stop': { title: 'Stop', icon: 'debug-stop' },
  'baton.stopNow': { title: 'Stop Now', icon: 'stop-circle' },
  'baton.approve': { title: 'Approve', icon: 'check' },
  'baton.approveMerge': { title: 'Approve & Merge', icon: 'check', palette: false },
  'baton.reject': { title: 'Reject', icon: 'close' },
  'baton.requestChanges': { title: 'Request Changes…', icon: 'discard' },
  'baton.review': { title: 'Review…', icon: 'checklist' },
  'baton.editPlan': { title: 'Edit Plan', icon: 'edit' },
  'baton.addComment': { title: 'Add Comment', palette: false },
  'baton.editComment': { title: 'Edit Comment', icon: 'edit', palette: false },
  'baton.saveComment': { title: 'Save', palette: false },
  'baton.cancelComment': { title: 'Cancel', palette: false },
  'baton.deleteComment': { title: 'Delete Comment', icon: 'trash', palette: false },
  'baton.resolveThread': { title: 'Resolve', icon: 'pass', palette: false },
  'baton.reopenThread': { title: 'Reopen', icon: 'issue-reopened', palette: false },
  'baton.quoteFinding': { title: 'Request This Change', icon: 'comment-discussion', palette: false },
  'baton.searchTranscripts': { title: 'Search Transcripts…', icon: 'search' },
  'baton.answer': { title: 'Answer Request…', icon: 'comment-discussion' },
  'baton.reviewChanges': { title: 'Review Changes', icon: 'diff-multiple' },
  'baton.showReport': { title: 'Show Report', icon: 'output' },
  'baton.openDecision': { title: 'Open Decision', palette: false },
  'baton.openFileChange': { title: 'Open Change', icon: 'diff', palette: false },
  'baton.openGateLog': { title: 'Open Gate Log', icon: 'output', palette: false },
  'baton.openTranscript': { title: 'Open Transcript', icon: 'comment' },
  'baton.openWorktree': { title: 'Open Worktree in New Window', icon: 'empty-window' },
  'baton.takeOver': { title: 'Take Over Session', icon: 'debug-disconnect' },
  'baton.handBack': { title: 'Hand Back Session…', icon: 'debug-continue' },
  'baton.sendMessage': { title: 'Send Message to Agent…', icon: 'send' },
  'baton.runNext': { title: 'Run Next', icon: 'run-above' },
  'baton.moveUp': { title: 'Move Up', icon: 'arrow-up' },
  'baton.moveDown': { title: 'Move Down', icon: 'arrow-down' },
  'baton.clearPlace': { title: 'Clear Manual Place', icon: 'pinned' },
  'baton.retry': { title: 'Retry', icon: 'debug-restart' },
  'baton.retryFresh': { title: 'Retry from Scratch…' },
  'baton.cancel': { title: 'Cancel', icon: 'stop' },
  'baton.openTaskFile': { title: 'Open Task File', icon: 'go-to-file' },
  'baton.deleteTask': { title: 'Delete Task…' },
  'baton.cleanState': { title: 'Clean State…' },
  'baton.copyId': { title: 'Copy Task ID', palette: false },
  'baton.copyWhy': { title: 'Copy Why It Is Where It Is', palette: false },
  'baton.createConfiguration': { title: 'Create Configuration', icon: 'new-file' },
  'baton.openConfiguration': { title: 'Open Configuration', icon: 'gear' },
  'baton.installAgent': { title: 'Install a Coding Agent…' },
  'baton.openDashboard': { title: 'Open Dashboard', icon: 'dashboard' },
  'baton.showActions': { title: 'Show Actions…' },
  'baton.showNeedsYou': { title: 'Show Needs You' },
  'baton.showLog': { title: 'Show Log', icon: 'output' },
  'baton.showMore': { title: 'Show More', palette: false },
  'baton.refresh': { title: 'Look Again', icon: 'refresh' },
} as const satisfies Record<`baton.${string}`, CommandFace>;
export type CommandId = keyof typeof COMMANDS;

/** Context keys that `when` clauses test. */
export interface ContextKeys {
  /** A repository is there and may be worked with. */
  'baton.available': boolean;
  /** See model/welcome.ts. */
  'baton.welcome': string;
  'baton.canStart': boolean;
  'baton.canPause': boolean;
  'baton.canStopNow': boolean;
  /** The active editor is a review of a task whose decision takes these verdicts. */
  'baton.review': boolean;
  'baton.review.canApprove': boolean;
  'baton.review.canReject': boolean;
  'baton.review.canRequestChanges': boolean;
  /** The active editor is a plan that waits for its approval. */
  'baton.review.plan': boolean;
}

export const SCHEMES = { git: 'baton-git', transcript: 'baton-transcript', page: 'baton-page', plan: 'baton-plan' } as const;
