/** The bundle dist/onDemand.js: what commands do and pages say. Activation does not wait for it. */
export { HANDLERS } from './handlers.ts';
export { writePage } from './writePage.ts';
export { renderTranscript } from '../core/transcript.ts';
