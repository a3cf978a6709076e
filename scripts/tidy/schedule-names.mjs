const LIST = 'libs/pipeline/src/schedule/schedule.ts';
const NAMES = /export const SCHEDULE_NAMES = \[([^\]]*)\]/;
const SOURCE = /^(apps|libs)\/[^/]+\/src\/.*\.tsx?$/;
/** A schedule's own folder says what sets it apart; specs say what is expected of one schedule. */
const LEFT_OUT = /^libs\/pipeline\/src\/schedule\/kinds\/|\.spec\.tsx?$|\/generated\//;

/** A new schedule touches its folder and its tests: what others must know of it is among its traits. */
export function scheduleNames({ paths, exists, read }) {
  if (!exists(LIST)) return [];
  const names = [...NAMES.exec(read(LIST))[1].matchAll(/'([^']+)'/g)].map((match) => match[1]);
  const compared = new RegExp(`(?:[!=]==|case) '(${names.join('|')})'`);
  return paths
    .filter((path) => SOURCE.test(path) && !LEFT_OUT.test(path))
    .flatMap((path) =>
      read(path)
        .split('\n')
        .flatMap((text, index) => {
          const name = compared.exec(text)?.[1];
          const message = `asks whether a schedule is ${name}: ask for a trait of it (scheduleTraits) instead`;
          return name === undefined ? [] : [{ path, line: index + 1, message }];
        }),
    );
}
