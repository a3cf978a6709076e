import type { AgentBody, BriefRunBody, DatasetBody } from '@millrace/contracts';
import type { NavigationItem } from './navigation-items';

export interface PaletteEntry {
  readonly key: string;
  readonly group: string;
  readonly text: string;
  /** An id or a state, which is searched too. */
  readonly detail: string;
  readonly path: string;
}

interface PaletteSources {
  readonly pages: readonly NavigationItem[];
  readonly runs: readonly BriefRunBody[];
  readonly agents: readonly AgentBody[];
  readonly datasets: readonly DatasetBody[];
}

const COUNT_MAX = 40;

/** Finds the entries in which every word of the text occurs; pages come first. */
export function paletteEntries(sources: PaletteSources, text: string): PaletteEntry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const all: PaletteEntry[] = [
    ...sources.pages.map(({ to, label }) => ({ key: to, group: 'Pages', text: label, detail: '', path: to })),
    ...sources.runs.map(({ id, name, state }) => ({
      key: id,
      group: 'Runs',
      text: name,
      detail: `${state} ${id}`,
      path: `/runs/${id}`,
    })),
    ...sources.agents.map(({ id, host, device }) => ({
      key: id,
      group: 'Agents',
      text: `${host} device ${device}`,
      detail: id,
      path: `/agents/${id}`,
    })),
    ...sources.datasets.map(({ id, name }) => ({
      key: id,
      group: 'Datasets',
      text: name,
      detail: id,
      path: `/datasets/${id}`,
    })),
  ];
  return all
    .filter((entry) => {
      const searched = `${entry.group} ${entry.text} ${entry.detail}`.toLowerCase();
      return words.every((word) => searched.includes(word));
    })
    .slice(0, COUNT_MAX);
}
