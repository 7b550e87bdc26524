import time, os
import pytest, asyncpg
from pathlib import Path
from tests.importing.conftest import *
async def test_speed(office):
    data=Path(os.environ.get('F','/tmp/h2/a.csv')).read_bytes()
    t=time.perf_counter(); c=time.process_time()
    await office.enqueue(data)
    print('\nenqueue',time.perf_counter()-t)
    job=await office.work()
    print('work',time.perf_counter()-t,'cpu',time.process_time()-c,job.totals(),job.state,job.reason)
    import resource; print('MB',resource.getrusage(resource.RUSAGE_SELF).ru_maxrss//1024)
    print(await office.footprint())
    # baseline
    pool=office.pool
    src={}
    from services.registry.importing import writing as w
    tabs=[("owner",w.OWNER_COLUMNS),("owner_key",("owner_id","kek_id","wrapped")),("business",w.BUSINESS_COLUMNS),("business_owner",("business_id","owner_id","position")),("outbox",w.OUTBOX_COLUMNS)]
    for tn,cols in tabs:
        src[tn]=[tuple(r) for r in await pool.fetch(f"select {','.join(cols)} from {tn} where true")]
    su=await asyncpg.connect(os.environ['SU'] if 'SU' in os.environ else office_su)
    await su.execute("truncate owner,owner_key,business,business_owner,outbox")
    t=time.perf_counter(); c=time.process_time()
    async with pool.acquire() as con:
        async with con.transaction():
            for tn,cols in tabs:
                await con.copy_records_to_table(tn,columns=cols,records=src[tn])
    print('COPY one transaction',time.perf_counter()-t,'cpu',time.process_time()-c)
    await su.close()
@pytest.fixture(autouse=True)
def _su(registry_db):
    global office_su; office_su=registry_db.superuser_dsn
import collections
T=collections.Counter()
def _wrap():
    import asyncpg.connection as ac
    for n in ("fetch","execute","fetchval","fetchrow","copy_records_to_table"):
        orig=getattr(ac.Connection,n)
        def mk(orig,n):
            async def f(self,*a,**k):
                t=time.perf_counter()
                try: return await orig(self,*a,**k)
                finally: T[n+':'+str(a[0]).strip()[:70].replace(chr(10),' ')]+=time.perf_counter()-t
            return f
        setattr(ac.Connection,n,mk(orig,n))
_wrap()
@pytest.fixture(autouse=True)
def _pr():
    yield
    for k,v in T.most_common(20): print(f'{v:8.2f}',k)
