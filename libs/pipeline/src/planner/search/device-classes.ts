import type { PlanRequest } from '../plan-request';

/**
 * Gives each device a number, which is equal for devices that are alike in everything, their links included, so that
 * exchanging them changes nothing.
 */
export function deviceClasses({ devices, links }: PlanRequest): number[] {
  const texts = devices.map(({ kind, speed, memoryBytes, heldBytes }) =>
    JSON.stringify([kind, speed, memoryBytes, heldBytes]),
  );
  const sameLinks = (a: number, b: number, other: number): boolean =>
    sameLink(links?.[a]?.[other], links?.[b]?.[other]) && sameLink(links?.[other]?.[a], links?.[other]?.[b]);
  const same = (a: number, b: number): boolean =>
    texts[a] === texts[b] &&
    sameLink(links?.[a]?.[b], links?.[b]?.[a]) &&
    devices.every((_, other) => other === a || other === b || sameLinks(a, b, other));
  const classes: number[] = [];
  devices.forEach((_, index) => {
    const first = devices.findIndex(
      (_device, other) => other === index || (classes[other] === other && same(other, index)),
    );
    classes.push(first);
  });
  return classes;
}

function sameLink(a: LinkOrNone, b: LinkOrNone): boolean {
  return a === b || (a?.bytesPerSecond === b?.bytesPerSecond && a?.latencySeconds === b?.latencySeconds);
}

type LinkOrNone = NonNullable<PlanRequest['links']>[number][number];
