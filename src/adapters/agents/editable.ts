/** Permission requests that an agent can only have allowed as they are. */
import { BatonError } from '../../core/errors.ts';
import type { AgentMessage, PermissionAnswer } from '../../engine/ports.ts';

/** @throws BatonError `unsupported` when the answer changes what was asked and the agent cannot take that. The request stays open. */
export function refuseEdit(request: Extract<AgentMessage, { type: 'permission' }>, answer: PermissionAnswer): void {
  if (answer.behavior !== 'allow' || answer.input === undefined || request.editable !== false) return;
  const same = Object.entries({ ...request.input, ...answer.input }).every(([key, value]) => JSON.stringify(value) === JSON.stringify(request.input[key]));
  if (!same) throw new BatonError('unsupported', 'This agent cannot run something else than it asked for.', { hint: 'Deny it, and say in the reason what to run instead.' });
}
