// Redis' own client library; only its parser is used, as an oracle for ours.
#include <hiredis/hiredis.h>
