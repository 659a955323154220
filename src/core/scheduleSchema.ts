/** What `.baton/schedules.yaml` may say, and the JSON Schema of it for editors. */
import * as z from 'zod';

const text = z.string().trim().min(1);

export const schedule = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/, 'must be 1 to 40 letters, digits, "_" or "-"')
    .describe('Unique; the tasks of the schedule begin with it.'),
  cron: text.describe('When: minute, hour, day of month, month, day of week ("0 9 * * MON-FRI"), or @daily, @weekly and the like.'),
  template: text.describe('Name of the template in .baton/templates, without .md.'),
  set: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({}).describe('Values for the placeholders of the template.'),
  timezone: text.optional().describe('Time zone of the cron expression, such as Europe/Berlin; the machine’s own when absent.'),
  enabled: z.boolean().default(true).describe('false: it queues nothing.'),
});
const entries = z.array(schedule);

/** A list of schedules, bare or under `schedules:`. */
const schedulesFile = z.union([z.strictObject({ schedules: entries.nullable() }), entries]);

export type Schedule = z.infer<typeof schedule>;

/** Draft 7, which is what YAML editors understand. */
export function schedulesJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(schedulesFile, { io: 'input', target: 'draft-7', unrepresentable: 'any' });
  return { title: 'Baton schedules', description: 'Templates that Baton queues as tasks at their times.', ...schema };
}
