import type { UserRole } from '@millrace/contracts';
import {
  Activity,
  BarChart3,
  Cpu,
  Database,
  LayoutDashboard,
  type LucideIcon,
  MessageSquareText,
  PlusCircle,
  ScrollText,
  Users,
} from 'lucide-react';

export interface NavigationItem {
  readonly to:
    '/' | '/runs' | '/submit' | '/agents' | '/datasets' | '/playground' | '/schedules' | '/access' | '/audit';
  readonly label: string;
  readonly icon: LucideIcon;
  readonly role: UserRole;
}

/** Every page in the order of the navigation, and who may use it. */
export const NAVIGATION: readonly NavigationItem[] = [
  { to: '/', label: 'Overview', icon: LayoutDashboard, role: 'viewer' },
  { to: '/runs', label: 'Runs', icon: Activity, role: 'viewer' },
  { to: '/submit', label: 'Submit', icon: PlusCircle, role: 'viewer' },
  { to: '/agents', label: 'Agents', icon: Cpu, role: 'viewer' },
  { to: '/datasets', label: 'Datasets', icon: Database, role: 'viewer' },
  { to: '/playground', label: 'Playground', icon: MessageSquareText, role: 'viewer' },
  { to: '/schedules', label: 'Schedules', icon: BarChart3, role: 'viewer' },
  { to: '/access', label: 'Users and tokens', icon: Users, role: 'viewer' },
  { to: '/audit', label: 'Audit', icon: ScrollText, role: 'admin' },
];
