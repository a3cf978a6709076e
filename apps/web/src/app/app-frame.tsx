import { Link, useRouterState } from '@tanstack/react-router';
import { Menu, Radio, Search, Unplug } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import type { SessionBody } from '@millrace/contracts';
import { useMay } from '../api/session';
import { useIsLive, useLive } from '../live/live-provider';
import { IconButton } from '../ui/button';
import { CommandPalette } from './command-palette';
import { NAVIGATION } from './navigation-items';
import { ThemeButton } from './theme-button';
import { UserMenu } from './user-menu';
import { Wordmark } from './wordmark';

interface AppFrameProps {
  readonly session: SessionBody;
  readonly children: ReactNode;
}

/** What surrounds every page: navigation, search, whether events arrive, theme and user menu. */
export function AppFrame({ session, children }: AppFrameProps): ReactNode {
  const [isMenuOpen, setMenuOpen] = useState(false);
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  useLive(['runs', 'agents', 'datasets', 'queue']);
  usePaletteKey(() => setPaletteOpen((isOpen) => !isOpen));
  useEffect(() => setMenuOpen(false), [path]);
  return (
    <div className="frame">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <header className="top">
        <IconButton
          icon={Menu}
          label="Navigation"
          className="menu-button"
          aria-expanded={isMenuOpen}
          onClick={() => setMenuOpen(!isMenuOpen)}
        />
        <Wordmark />
        <button type="button" className="search-button" onClick={() => setPaletteOpen(true)}>
          <Search size={15} aria-hidden />
          <span>Go to…</span>
          <kbd>Ctrl K</kbd>
        </button>
        <div className="top-end">
          <LiveSign />
          <ThemeButton />
          <UserMenu session={session} />
        </div>
      </header>
      <Navigation isOpen={isMenuOpen} />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <CommandPalette isOpen={isPaletteOpen} onClose={() => setPaletteOpen(false)} />
    </div>
  );
}

function Navigation({ isOpen }: { readonly isOpen: boolean }): ReactNode {
  const isAdmin = useMay('admin');
  const items = NAVIGATION.filter(({ role }) => role === 'viewer' || isAdmin);
  return (
    <nav aria-label="Pages" className={isOpen ? 'side side-open' : 'side'}>
      <div className="side-pages">
        {items.map(({ to, label, icon: Icon }) => (
          <Link key={to} to={to} activeOptions={{ exact: to === '/', includeSearch: false }}>
            <Icon size={17} aria-hidden />
            {label}
          </Link>
        ))}
      </div>
    </nav>
  );
}

function LiveSign(): ReactNode {
  const isLive = useIsLive();
  const Icon = isLive ? Radio : Unplug;
  return (
    <span
      className={isLive ? 'live live-on' : 'live'}
      title={isLive ? 'Events arrive as they happen' : 'No event stream'}
    >
      <Icon size={15} aria-hidden />
      <span className="live-word">{isLive ? 'live' : 'not live'}</span>
    </span>
  );
}

function usePaletteKey(toggle: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      toggle();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  });
}
