/** What the first template and the first schedules of a repository say, so that nobody has to know their shape. */

export type Creatable = 'template' | 'schedules';

export const CREATABLE: Readonly<Record<Creatable, { readonly action: string; readonly file: string; readonly text: string }>> = {
  template: {
    action: 'Create Template',
    file: '.baton/templates/update-dependency.md',
    text: `---
risk: low
labels: [dependencies]
---
# Update {{package}} to {{version: its latest version}}

Read its changelog first, and adapt our code to what has changed.
Run the tests; change nothing that the update does not need.
`,
  },
  schedules: {
    action: 'Create Schedules',
    file: '.baton/schedules.yaml',
    text: `# Each schedule queues a task from a template of .baton/templates when it is due, once, also after the machine has slept.
# cron: minute, hour, day of month, month, day of week. "baton list-schedules" shows when each is due next.
schedules: []
#  - name: weekly-zod
#    cron: "0 9 * * MON"
#    timezone: Europe/Berlin
#    template: update-dependency
#    set: {package: zod}
`,
  },
};
