import { isIPv6 } from 'node:net';

const GROUPS = 8;
/** The groups of a /64 network, which a single machine has to itself. */
const GROUPS_KEPT = 4;

/** The key under which calls from an address are counted: an IPv4 address, or the first half of an IPv6 address. */
export function addressKey(address: string | undefined): string {
  if (address === undefined || !isIPv6(address) || address.includes('.')) return address ?? 'unknown';
  const [before = '', after] = address.split('%', 1)[0]!.toLowerCase().split('::');
  const head = groupsOf(before);
  const tail = groupsOf(after ?? '');
  const zeros = after === undefined ? 0 : GROUPS - head.length - tail.length;
  const groups = [...head, ...Array.from({ length: zeros }, () => '0'), ...tail];
  return groups
    .slice(0, GROUPS_KEPT)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

const groupsOf = (text: string): string[] => (text === '' ? [] : text.split(':'));
