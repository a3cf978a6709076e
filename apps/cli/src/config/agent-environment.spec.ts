import { expect, it } from 'vitest';
import { agentAllocator } from './agent-environment';

it('bounds the memory that an agent keeps after it was freed, unless the user did', () => {
  expect(agentAllocator({})).toEqual({ MALLOC_ARENA_MAX: '2' });
  expect(agentAllocator({ MALLOC_ARENA_MAX: '8' })).toEqual({ MALLOC_ARENA_MAX: '8' });
});
