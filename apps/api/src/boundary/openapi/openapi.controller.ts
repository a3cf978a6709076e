import { Controller, Get } from '@nestjs/common';
import { Public } from '../../ground/auth/access';
import { API_VERSION } from '../../ground/database/api-version';
import { openApiDocument } from './openapi-document';

@Public()
@Controller('api')
export class OpenApiController {
  private readonly document = openApiDocument(API_VERSION);

  @Get('openapi.json')
  get(): object {
    return this.document;
  }
}
