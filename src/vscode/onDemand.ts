/** The bundle dist/onDemand.js: what commands do, pages say and the dashboard shows. Activation does not wait for it. */
export { dashboardOf } from './dashboard.ts';
export { HANDLERS } from './handlers.ts';
export { writePage } from './writePage.ts';
export { renderTranscript } from '../core/transcript.ts';
