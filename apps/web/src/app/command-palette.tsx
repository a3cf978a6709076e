import {
  Combobox,
  ComboboxGroup,
  ComboboxGroupLabel,
  ComboboxItem,
  ComboboxList,
  ComboboxProvider,
  Dialog,
  VisuallyHidden,
  useComboboxStore,
} from '@ariakit/react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, type ReactNode, useState } from 'react';
import { client } from '../api/client';
import { useMay } from '../api/session';
import { NAVIGATION } from './navigation-items';
import { type PaletteEntry, paletteEntries } from './palette-entries';

interface CommandPaletteProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

/** Opened by Ctrl-K, it leads to any page, run, agent or dataset of which a part of the name or id is typed. */
export function CommandPalette({ isOpen, onClose }: CommandPaletteProps): ReactNode {
  return (
    <Dialog
      open={isOpen}
      onClose={onClose}
      unmountOnHide
      className="palette"
      aria-label="Go to"
      backdrop={<div className="backdrop" />}
    >
      <PaletteBody onClose={onClose} />
    </Dialog>
  );
}

function PaletteBody({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [text, setText] = useState('');
  const store = useComboboxStore({ open: true, value: text, setValue: setText, focusLoop: true });
  const entries = useEntries(text);
  const navigate = useNavigate();
  const groups = [...new Set(entries.map(({ group }) => group))];
  const open = (path: string): void => {
    onClose();
    void navigate({ to: path });
  };
  // Someone who types fast presses Enter before an entry is marked, and means the first one.
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    const { activeValue } = store.getState();
    const entry = entries.find(({ key }) => key === activeValue) ?? entries[0];
    if (entry !== undefined) open(entry.path);
  };
  return (
    <ComboboxProvider store={store}>
      <VisuallyHidden>
        <label htmlFor="palette-text">Page, run, agent or dataset</label>
      </VisuallyHidden>
      <Combobox
        id="palette-text"
        autoSelect="always"
        placeholder="Page, run, agent or dataset"
        className="palette-text"
        onKeyDown={onKeyDown}
      />
      <ComboboxList className="palette-list" alwaysVisible aria-label="Found">
        {entries.length === 0 && <div className="menu-note">Nothing has this name.</div>}
        {groups.map((group) => (
          <ComboboxGroup key={group}>
            <ComboboxGroupLabel className="menu-note">{group}</ComboboxGroupLabel>
            {entries
              .filter((entry) => entry.group === group)
              .map((entry) => (
                <Entry key={entry.key} entry={entry} onOpen={open} />
              ))}
          </ComboboxGroup>
        ))}
      </ComboboxList>
    </ComboboxProvider>
  );
}

function Entry({
  entry,
  onOpen,
}: {
  readonly entry: PaletteEntry;
  readonly onOpen: (path: string) => void;
}): ReactNode {
  return (
    <ComboboxItem
      className="menu-item"
      value={entry.key}
      setValueOnClick={false}
      focusOnHover
      onClick={() => onOpen(entry.path)}
    >
      <span>{entry.text}</span>
      <span className="quiet">{entry.detail}</span>
    </ComboboxItem>
  );
}

const LISTED_COUNT = 200;

function useEntries(text: string): PaletteEntry[] {
  const isAdmin = useMay('admin');
  const runs = useQuery({ queryKey: ['runs', 'palette'], queryFn: () => client.briefRuns({ limit: LISTED_COUNT }) });
  const agents = useQuery({ queryKey: ['agents', 'palette'], queryFn: () => client.agents({ limit: LISTED_COUNT }) });
  const datasets = useQuery({
    queryKey: ['datasets', 'palette'],
    queryFn: () => client.datasets({ limit: LISTED_COUNT }),
  });
  const sources = {
    pages: NAVIGATION.filter(({ role }) => role === 'viewer' || isAdmin),
    runs: runs.data?.items ?? [],
    agents: agents.data?.items ?? [],
    datasets: datasets.data?.items ?? [],
  };
  return paletteEntries(sources, text);
}
