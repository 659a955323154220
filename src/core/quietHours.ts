/** Hours of the day in which nobody is disturbed: `22:00-07:00`, in the user's own time. Pure. */

/** Minutes of the day, from 0 to 1439; `from` may lie behind `to`, which means over midnight. */
export interface QuietHours {
  readonly from: number;
  readonly to: number;
}

/** Undefined where the text is no such span; equal ends would mean the whole day or nothing, so they are none either. */
export function parseQuietHours(text: string): QuietHours | undefined {
  const match = /^\s*(\d{1,2}):(\d{2})\s*(?:-|–|to)\s*(\d{1,2}):(\d{2})\s*$/.exec(text);
  if (!match) return undefined;
  const [from, to] = [minutes(match[1], match[2]), minutes(match[3], match[4])];
  return from === undefined || to === undefined || from === to ? undefined : { from, to };
}

/** Minutes until the quiet hours end, or 0 when `minute` (of the day) lies outside them. */
export function quietFor({ from, to }: QuietHours, minute: number): number {
  const quiet = from < to ? minute >= from && minute < to : minute >= from || minute < to;
  return quiet ? (to - minute + 1440) % 1440 : 0;
}

function minutes(hour: string | undefined, minute: string | undefined): number | undefined {
  const value = Number(hour) * 60 + Number(minute);
  return Number(hour) < 24 && Number(minute) < 60 ? value : undefined;
}
