/* Wine before 9 has no bcryptprimitives.dll, from which Rust's standard library takes its random numbers. This is the one
 * function that it calls, made from the older one that Wine has. Built and put into the prefix by `.ci/windows`. */
#include <windows.h>

/* RtlGenRandom under the name that advapi32 exports it by. */
BOOLEAN WINAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    while (length > 0) {
        ULONG part = length > 0x40000000 ? 0x40000000 : (ULONG)length;
        if (!SystemFunction036(buffer, part))
            return FALSE;
        buffer += part;
        length -= part;
    }
    return TRUE;
}
