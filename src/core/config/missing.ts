/**
 * What a variable that is not set turns off: only what needs it, and never so that more is allowed than was written.
 */
import { isRecord, type Path } from '../yamlText.ts';
import type { Edits } from './edits.ts';

/** Dollars that a budget is held at while its figure is unknown: less than any attempt reserves, so nothing is spent. */
const HELD_BUDGET = 0.01;

/** Edits the configuration for a missing variable in the value at `path` and says what follows, as the end of a sentence. */
export function turnOff(edits: Edits, path: Path): string {
  const [section, second, third] = path;
  switch (section) {
    case 'agents':
      return turnOffAgent(edits, path);
    case 'routing':
      edits.remove(path.slice(0, 2));
      return 'this rule is left out';
    case 'permissions':
      return turnOffPermission(edits, path);
    case 'gates':
      if (third === 'when') {
        edits.remove(path.slice(0, 3));
        return 'this gate runs for every change';
      }
      return 'the text stays as it is';
    case 'notifications':
      // Without its secret a webhook would be sent unsigned, which no receiver can trust.
      if (second === 'secret' || second === 'webhook_url') {
        edits.remove(['notifications', 'webhook_url']);
        edits.remove(path);
        return 'no webhook is sent';
      }
      break;
    case 'http':
    case 'memory':
    case 'telemetry':
      edits.remove([section]);
      return `${section} is off`;
    case 'store':
      edits.remove(path);
      return 'this store cannot be opened';
    case 'budget':
      if (second === 'by_area' || second === 'per_day_usd' || second === 'per_task_usd') {
        edits.replace(path, HELD_BUDGET);
        return 'nothing that this budget covers is started';
      }
      break;
    default:
  }
  edits.remove(path);
  return typeof path.at(-1) === 'number' ? 'this entry is left out' : 'its default holds';
}

function turnOffAgent(edits: Edits, path: Path): string {
  const entry = path.slice(0, 2);
  const written = edits.get(entry);
  const driver = isRecord(written) && path[2] !== 'driver' ? written['driver'] : undefined;
  edits.replace(entry, { driver: driver ?? 'command', enabled: false });
  return `agent ${String(path[1])} is turned off`;
}

/** Less may be allowed than was written, never more: an allow rule goes, a deny or ask rule loses its limits. */
function turnOffPermission(edits: Edits, path: Path): string {
  const rule = edits.get(path.slice(0, 2));
  const then = isRecord(rule) ? rule['then'] : undefined;
  if ((then === 'deny' || then === 'ask') && path[2] !== 'then' && path[2] !== 'tool') {
    edits.remove(path);
    return `this rule then holds for every ${String(path[2])}`;
  }
  edits.remove(path.slice(0, 2));
  return 'this rule is left out';
}
