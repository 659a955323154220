/** Choosing model and mode of an ACP session, which agents offer in different ways, and their traps. */
import type { AgentRequest } from '../../../engine/ports.ts';
import { object, objects, string, type Json } from '../json.ts';

export interface Call {
  readonly method: string;
  readonly params: Json;
}

/** The request that sets the model; undefined where none is wanted or the agent offers no choice. */
export function modelRequest(session: string, set: Json, model: string | null): Call | undefined {
  if (model === null) return undefined;
  const option = optionOf(set, 'model');
  if (option !== undefined) return { method: 'session/set_config_option', params: { sessionId: session, configId: option, value: model } };
  return set['models'] === undefined ? undefined : { method: 'session/set_model', params: { sessionId: session, modelId: model } };
}

/** Modes by the names that agents give them, best first. */
const ACCEPTS_EDITS = ['autoEdit', 'acceptEdits'];
const ASKS_NOTHING = ['yolo', 'bypassPermissions'];

/**
 * The request that sets the mode by which the agent asks; undefined where its own default fits: it asks about edits and commands.
 * Who only looks gets no mode that writes unasked, and rules that hold something back are asked about everything.
 */
export function modeRequest(session: string, set: Json, request: Pick<AgentRequest, 'role' | 'agent' | 'ask_all'>): Call | undefined {
  if (request.role !== 'implementer' || request.ask_all === true) return undefined;
  const wanted = { acceptEdits: ACCEPTS_EDITS, bypassPermissions: ASKS_NOTHING, default: [], plan: ['plan'] }[request.agent.permission_mode ?? 'acceptEdits'];
  const offered = objects(object(set['modes'])['availableModes']).map((one) => string(one['id']));
  const mode = wanted.find((one) => offered.includes(one));
  return mode === undefined ? undefined : { method: 'session/set_mode', params: { sessionId: session, modeId: mode } };
}

function optionOf(set: Json, category: string): string | undefined {
  return string(objects(set['configOptions']).find((one) => one['category'] === category)?.['id']);
}

/** Gemini's name in `agentInfo`. */
const GEMINI = 'gemini-cli';
const MINUTE_MS = 60_000;

/**
 * Gemini names a session's file by the minute, and loading it in the minute of its creation empties it. When it was created is
 * not known here, only that it was before now: so the next minute is waited for.
 */
export async function whenLoadable(agent: string, say: (text: string) => void): Promise<void> {
  if (agent !== GEMINI) return;
  const wait = MINUTE_MS - (Date.now() % MINUTE_MS);
  say(`Waits ${Math.ceil(wait / 1000)} s: Gemini would lose a session that it loads in the minute in which it was made.`);
  await new Promise((resolve) => setTimeout(resolve, wait).unref());
}
