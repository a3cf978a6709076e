import { expect, it } from 'vitest';
import { channelOptions } from './grpc-options';

it('an API on this machine is dialled past any proxy, another one through it', () => {
  for (const address of ['127.0.0.1:7000', 'localhost:7000', '[::1]:7000'])
    expect(channelOptions(address)).toMatchObject({ 'grpc.enable_http_proxy': 0 });
  expect(channelOptions('api.example:7000')).not.toHaveProperty('grpc.enable_http_proxy');
});
