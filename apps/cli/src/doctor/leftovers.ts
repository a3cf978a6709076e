import { resolve } from 'node:path';
import type { Command } from 'commander';
import { bytesText } from '@millrace/core';
import { type CommandContext, command } from '../command-context';
import { table } from '../table';
import { deleteHomelessDatabase, homelessDatabases } from '../up/homeless-databases';

interface Json {
  readonly json?: boolean;
}

interface DeleteOptions {
  readonly home?: string;
}

/** `millrace leftovers` lists the databases that deleted homes have left elsewhere; `delete` deletes one. */
export function leftoversCommand(context: CommandContext): Command {
  const leftovers = command(
    'leftovers',
    'list databases of homes that are gone, or delete one',
    'millrace leftovers',
  ).action((options: Json) => {
    context.output(options).result(homelessDatabases(), (all) =>
      all.length === 0
        ? 'nothing is left over: a home leads to each database outside of one'
        : [
            table(
              ['database', 'of the home', 'size'],
              all.map(({ folder, home, bytes }) => [
                folder,
                home ?? 'not recorded, by an older build',
                bytesText(bytes),
              ]),
            ),
            'Delete one, unless its home was moved or is on a disk that is away: millrace leftovers delete DATABASE',
          ].join('\n'),
    );
  });
  leftovers.addCommand(
    command(
      'delete',
      'delete a database that no home leads to',
      'millrace leftovers delete /var/lib/millrace/home-1a2b',
    )
      .argument('<database>', 'its folder, as `millrace leftovers` lists it')
      .option('--home <folder>', 'the home that is gone, where an older build recorded none')
      .action((given: string, { home }: DeleteOptions, self: Command) => {
        const { folder, bytes } = deleteHomelessDatabase(resolve(given), { home: home && resolve(home) });
        const document = { folder, bytes, deleted: true };
        context
          .output(self.optsWithGlobals<Json>())
          .result(document, () => `${folder} deleted, ${bytesText(bytes)} are free`);
      }),
  );
  return leftovers;
}
