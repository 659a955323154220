/** The command line and environment of Codex: the only place that knows its options. */

export const CODEX_INSTALL = 'npm install -g @openai/codex';
/** Before it, what Baton needs of the app-server was not there or different. Tests use 0.169. */
export const CODEX_OLDEST = '0.150.0';

/** Defaults that the user's own environment overrides: its log on stderr repeats what the protocol says. */
export const CODEX_ENVIRONMENT: Readonly<Record<string, string>> = { RUST_LOG: 'off' };

/**
 * Settings for a session without a terminal, over the user's own: nothing is fetched that no task needs, an endpoint that is
 * dead fails instead of being tried for ever, and nobody is told that there is a newer version.
 */
const SETTINGS: Readonly<Record<string, boolean>> = {
  'features.plugins': false,
  'features.unbounded_connection_retries': false,
  check_for_update_on_startup: false,
};

/** Never holds a secret or the prompt: those travel by environment and stdin. */
export function codexArguments(): string[] {
  return ['app-server', ...Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}
