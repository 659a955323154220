/** An ASCII table that fits the terminal: narrow columns are kept whole, wide ones share what is left equally. */
import { fit, plain, widthOf } from './text.ts';

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** A column that may be cut, down to this many cells. */
  readonly min?: number;
  /** Cells below which it is of little use: less important columns make room for them. */
  readonly wish?: number;
  /** The lowest is dropped first when not even the smallest widths fit; columns without it always stay. */
  readonly keep?: number;
  /** Paints a filled cell. */
  readonly paint?: (row: Row, cell: string) => string;
}

/** Lines of the table, none wider than `width` as long as the columns that always stay allow it. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): string[] {
  const texts = new Map(columns.map((column) => [column, rows.map((row) => plain(column.text(row)))]));
  const naturals = new Map(
    columns.map((column) => [column, (texts.get(column) ?? []).reduce((most, text) => Math.max(most, widthOf(text)), widthOf(column.title))]),
  );
  const natural = (column: Column<Row>) => naturals.get(column) ?? 0;
  const smallest = (column: Column<Row>) => Math.min(natural(column), Math.max(column.min ?? Number.POSITIVE_INFINITY, 1));
  const useful = (column: Column<Row>) => Math.min(natural(column), Math.max(smallest(column), column.wish ?? 0));
  // Every column costs its cells, two spaces and a bar; one more bar closes the line.
  const total = (shown: readonly Column<Row>[], cells: (column: Column<Row>) => number) =>
    shown.reduce((sum, column) => sum + cells(column) + 3, 1);

  let shown = [...columns];
  while (total(shown, useful) > width) {
    const droppable = shown.filter((column) => column.keep !== undefined);
    if (droppable.length === 0) break;
    const lowest = droppable.reduce((a, b) => ((a.keep ?? 0) <= (b.keep ?? 0) ? a : b));
    shown = shown.filter((column) => column !== lowest);
  }

  const widths = new Map(shown.map((column) => [column, smallest(column)]));
  let spare = width - total(shown, (column) => widths.get(column) ?? 0);
  // One cell at a time to the narrowest column that is still cut: short ids stay whole, long reasons are cut.
  while (spare > 0) {
    const cut = shown.filter((column) => (widths.get(column) ?? 0) < natural(column));
    if (cut.length === 0) break;
    const narrowest = cut.reduce((a, b) => ((widths.get(b) ?? 0) < (widths.get(a) ?? 0) ? b : a));
    widths.set(narrowest, (widths.get(narrowest) ?? 0) + 1);
    spare -= 1;
  }

  const rule = `+${shown.map((column) => '-'.repeat((widths.get(column) ?? 0) + 2)).join('+')}+`;
  const line = (cell: (column: Column<Row>) => string) => `|${shown.map((column) => ` ${cell(column)} `).join('|')}|`;
  return [
    rule,
    line((column) => fit(column.title, widths.get(column) ?? 0, column.align)),
    rule,
    ...rows.map((row, index) =>
      line((column) => {
        const cell = fit(texts.get(column)?.[index] ?? '', widths.get(column) ?? 0, column.align);
        return column.paint ? column.paint(row, cell) : cell;
      }),
    ),
    rule,
  ];
}
