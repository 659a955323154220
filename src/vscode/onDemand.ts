/** The bundle dist/onDemand.js: what commands do, pages say and the dashboard shows. Activation does not wait for it. */
export { commentsOf } from './comments.ts';
export { dashboardOf } from './dashboard.ts';
export { HANDLERS } from './handlers.ts';
export { registerPlanFiles } from './planFiles.ts';
export { writePage } from './writePage.ts';
export { renderTranscript } from '../core/transcript.ts';
