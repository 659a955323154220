/** What Codex asks Baton for while it works, as permission requests, and the answers in its own form. */
import type { AgentMessage } from '../../../engine/ports.ts';
import { object, objects, string, type Json } from '../json.ts';
import type { RequestId } from '../rpc.ts';
import { commandUse, patchUse } from './items.ts';

type Permission = Extract<AgentMessage, { type: 'permission' }>;

/** A request that waits for an answer. */
export interface Pending {
  readonly id: RequestId;
  readonly thread: string;
  readonly turn: string;
  readonly message: Permission;
  readonly allow: (input: Record<string, unknown> | undefined) => Json;
  /** Not given: Codex has no place for the reason, so that it must be told as a message of the user. */
  readonly denyWith?: (reason: string) => Json;
  readonly deny: Json;
}

/** The request as a permission request; undefined for one that Baton does not answer. `item` is the one that it speaks of. */
export function pendingOf(id: RequestId, method: string, params: Json, item: Json | undefined, cwd: string): Pending | undefined {
  const base = { id, thread: string(params['threadId']) ?? '', turn: string(params['turnId']) ?? '' };
  const say = (tool: string, title: string, input: Record<string, unknown>, reason: string | undefined): Permission => ({
    type: 'permission',
    request_id: String(id),
    tool,
    title,
    input,
    reason: reason ?? null,
    ...(tool === ASK ? {} : { editable: false }),
  });
  switch (method) {
    case 'item/commandExecution/requestApproval': {
      const { name, title, input } = commandUse({ ...item, ...params }, cwd);
      return { ...base, message: say(name, title, input, string(params['reason'])), allow: asIs({ decision: 'accept' }), deny: { decision: 'decline' } };
    }
    case 'item/fileChange/requestApproval': {
      const { name, title, input } = patchUse(item ?? {}, cwd);
      return { ...base, message: say(name, title, input, string(params['reason'])), allow: asIs({ decision: 'accept' }), deny: { decision: 'decline' } };
    }
    case 'item/permissions/requestApproval': {
      const asked = Object.fromEntries(Object.entries(object(params['permissions'])).filter(([, value]) => value !== null));
      const message = say('permissions', 'permissions: more than the sandbox allows', asked, string(params['reason']));
      return { ...base, message, allow: asIs({ permissions: asked, scope: 'turn' }), deny: { permissions: {}, scope: 'turn' } };
    }
    case 'mcpServer/elicitation/request': {
      const server = string(params['serverName']) ?? 'server';
      const message = say(`mcp__${server}`, `mcp__${server}: ${string(params['message']) ?? 'asks for a consent'}`, { message: string(params['message']) ?? '' }, undefined);
      return { ...base, message, allow: asIs({ action: 'accept', content: {}, _meta: null }), deny: { action: 'decline', content: null, _meta: null } };
    }
    case 'item/tool/requestUserInput':
      return { ...base, ...question(objects(params['questions']), say) };
    default:
      return undefined;
  }
}

/** The tool by which agents ask the user something, as Claude names it: one form for all surfaces. */
const ASK = 'AskUserQuestion';

function question(asked: readonly Json[], say: (tool: string, title: string, input: Record<string, unknown>, reason: undefined) => Permission): Pick<Pending, 'message' | 'allow' | 'deny' | 'denyWith'> {
  const questions = asked.map((one) => ({
    question: string(one['question']) ?? '',
    header: string(one['header']) ?? '',
    multiSelect: false,
    options: objects(one['options']).map((option) => ({ label: string(option['label']) ?? '', description: string(option['description']) ?? '' })),
  }));
  const answered = (text: (question: string) => string): Json => ({
    answers: Object.fromEntries(asked.map((one) => [string(one['id']) ?? '', { answers: [text(string(one['question']) ?? '')] }])),
  });
  return {
    message: say(ASK, `${ASK}: ${questions[0]?.question ?? ''}`, { questions }, undefined),
    allow: (input) => {
      const answers = object(input?.['answers']);
      return answered((one) => string(answers[one]) ?? '');
    },
    denyWith: (reason) => answered(() => reason),
    deny: { answers: {} },
  };
}

/** Codex runs what it asked about or does not: there is no place for another command in its answer. */
function asIs(answer: Json): Pending['allow'] {
  return () => answer;
}
