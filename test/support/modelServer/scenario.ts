/** What the scripted model says: turns free of any provider's protocol, so that one scenario serves every CLI. */

/** A tool call by its meaning; it becomes a call of whatever tool the request advertises for it. */
export type ToolUse =
  | { readonly tool: 'read'; readonly path: string }
  | { readonly tool: 'write'; readonly path: string; readonly content: string }
  | { readonly tool: 'edit'; readonly path: string; readonly old: string; readonly new: string }
  /** `escalated`: outside the agent's own sandbox, and why (Codex). */
  | { readonly tool: 'shell'; readonly command: string; readonly background?: boolean; readonly escalated?: string }
  /** The answer in the shape of the schema that the CLI was given. */
  | { readonly tool: 'answer'; readonly value: Readonly<Record<string, unknown>> }
  | { readonly tool: 'named'; readonly name: string; readonly input: Readonly<Record<string, unknown>> };

export interface TokenUsage {
  readonly input: number;
  readonly output: number;
  readonly cache_read: number;
  readonly cache_write: number;
}

export interface Turn {
  readonly thinking?: string;
  readonly text?: string;
  /** Relative paths count from the agent's working directory. */
  readonly tools?: readonly ToolUse[];
  readonly usage?: Partial<TokenUsage>;
  /** Headers of the answer, for example of a provider's limits. */
  readonly headers?: Readonly<Record<string, string>>;
  /** An HTTP error instead of an answer. `type` is the provider's own name of it. */
  readonly error?: { readonly status: number; readonly type?: string; readonly message?: string; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown };
  /** The connection breaks in the middle of the answer. */
  readonly cut?: boolean;
  /** The request is taken and never answered. */
  readonly silent?: boolean;
  /** Milliseconds before the first byte, and between the parts of a text. */
  readonly delay_ms?: number;
  readonly part_delay_ms?: number;
  /** The answer waits for this: how a test holds a model at a certain point. */
  readonly hold?: Promise<unknown>;
  /** In rules: how often a failing turn (error, cut, silent) comes before what follows it; 1 when absent. */
  readonly times?: number;
}

export interface ToolResult {
  readonly id: string;
  readonly ok: boolean;
  readonly output: string;
}

export interface Message {
  readonly role: 'user' | 'assistant';
  readonly text: string;
  readonly results: readonly ToolResult[];
}

/** A request for a turn, read free of its protocol. */
export interface Conversation {
  readonly model: string;
  readonly system: string;
  /** The agent's working directory, where the request tells it. */
  readonly cwd: string | null;
  readonly messages: readonly Message[];
  /** The last text of the user that opened a turn (not one that came with tool results). */
  readonly prompt: string;
  /** Text of the last message, whatever it is. */
  readonly last: string;
  /** Results of the last round of tool calls. */
  readonly results: readonly ToolResult[];
  /** Answers given since `prompt`. */
  readonly answers: number;
  readonly tools: readonly string[];
}

/** A list is used up turn by turn, one a request; a function answers each request by what it says. */
export type Script = readonly Turn[] | ((conversation: Conversation) => Turn);

export interface Rule {
  /** Holds for the conversation; a pattern is looked for in the prompt. */
  readonly when: RegExp | ((conversation: Conversation) => boolean);
  readonly turns: readonly Turn[];
}

/**
 * A script that serves many tasks at once: the first rule that holds gives the turns, and the place in them is the
 * number of answers since the prompt, so that a task run again begins again. Failing turns count apart: each comes
 * `times` times before the turn after it.
 */
export function byPrompt(rules: readonly Rule[]): Script {
  const failed = new Map<Turn, number>();
  return (conversation) => {
    const rule = rules.find(({ when }) => (typeof when === 'function' ? when(conversation) : when.test(conversation.prompt)));
    if (!rule) return missing(`no rule for the prompt "${conversation.prompt.slice(0, 200)}"`);
    let answers = 0;
    for (const turn of rule.turns) {
      const fails = turn.error !== undefined || turn.cut === true || turn.silent === true;
      if (!fails) {
        if (answers === conversation.answers) return turn;
        answers += 1;
      } else if (answers === conversation.answers && (failed.get(turn) ?? 0) < (turn.times ?? 1)) {
        failed.set(turn, (failed.get(turn) ?? 0) + 1);
        return turn;
      }
    }
    return missing(`the rule has only ${answers} answers`);
  };
}

/** What a scenario says where its author foresaw nothing: an error that no CLI tries again. */
export function missing(why: string): Turn {
  return { error: { status: 400, type: 'invalid_request_error', message: `The scenario ends here: ${why}` } };
}
